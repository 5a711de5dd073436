/**
 * What Redis runs as a whole: each call of a script sees a partition whole, and is seen whole. Lua takes
 * nothing back, so a script checks everything before its first write, and it names all keys that it
 * touches beforehand: a server that is handing the slot over then refuses it before it began. Within a
 * script no key is touched again after it may have become empty, for the same reason.
 *
 * Numbers stay texts, as the adapter wrote them: Lua prints none of more than fourteen digits exactly.
 * At most five hundred values are unpacked at once, far below what Lua's stack holds.
 */
import { RedisScript } from '../redis/redis-link.ts';
import { BUCKET_OF_LUA } from './redis-layout.ts';

const UNPACKED_MAX = 500;

/** Answers of an apply. */
export const APPLIED = 0;
export const ALREADY_APPLIED = 1;
export const MISMATCH = 2;

/** Fields of the meta hash in the order in which scripts and the adapter ask for them. */
export const POSITION_FIELDS = ['epoch', 'covered', 'log', 'hash'] as const;

/**
 * KEYS  meta
 * ARGV  who claims, number of the claim
 *
 * A claim that arrives again, or after a later one of the same owner, raises nothing: it would fence
 * the owner that sent it.
 */
export const CLAIM = new RedisScript(`
local owner = redis.call('HMGET', KEYS[1], 'owner', 'claim')
local isOld = owner[1] == ARGV[1] and tonumber(owner[2]) >= tonumber(ARGV[2])
if not isOld then
  redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'claim', ARGV[2])
end
return redis.call('HMGET', KEYS[1], 'epoch', 'covered', 'log', 'hash')
`);

/**
 * KEYS  meta, keys, changes, the buckets that are touched
 * ARGV  epoch, expected offset, covered offset, log id, record hash, changed keys kept, number of changed
 *       keys, their entry, 'guarded', then for each bucket what is set, then for each what is deleted
 */
export const APPLY = new RedisScript(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'covered', 'log', 'hash', 'previous', 'floor', 'kept')
local epoch, covered = stored[1] or '0', stored[2] or '-1'
local log, hash = stored[3] or '', stored[4] or '0'
local isOwn = epoch == ARGV[1]
local fits = isOwn and covered == ARGV[2] and (log == '' or log == ARGV[4])
if not fits and ARGV[9] == 'guarded' then
  local wasDone = isOwn and (stored[5] or '-1') == ARGV[2] and covered == ARGV[3]
    and hash == ARGV[5] and log == ARGV[4]
  if wasDone then return { ${ALREADY_APPLIED} } end
  return { ${MISMATCH}, epoch, covered, log, hash }
end

local function slices(from, till, size)
  return function()
    if from > till then return nil end
    local first, last = from, math.min(from + size - 1, till)
    from = last + 1
    return first, last
  end
end

local at = 10
for bucket = 4, #KEYS do
  local till = at + 2 * tonumber(ARGV[at])
  for first, last in slices(at + 1, till, ${UNPACKED_MAX}) do
    if redis.call('HSET', KEYS[bucket], unpack(ARGV, first, last)) > 0 then
      local scored = {}
      for key = first, last, 2 do
        scored[#scored + 1] = '0'
        scored[#scored + 1] = ARGV[key]
      end
      redis.call('ZADD', KEYS[2], unpack(scored))
    end
  end
  at = till + 1
end
for bucket = 4, #KEYS do
  local till = at + tonumber(ARGV[at])
  for first, last in slices(at + 1, till, ${UNPACKED_MAX}) do
    if redis.call('HDEL', KEYS[bucket], unpack(ARGV, first, last)) > 0 then
      redis.call('ZREM', KEYS[2], unpack(ARGV, first, last))
    end
  end
  at = till + 1
end

local kept, floor = tonumber(stored[7] or '0'), stored[6] or '-1'
local changed = tonumber(ARGV[7])
if changed > 0 then
  redis.call('RPUSH', KEYS[3], ARGV[8])
  kept = kept + changed
  while kept > tonumber(ARGV[6]) do
    local to, count = string.match(redis.call('LPOP', KEYS[3]), '^%S+ (%S+) (%d+) ')
    kept = kept - tonumber(count)
    if tonumber(to) > tonumber(floor) then floor = to end
  end
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'covered', ARGV[3], 'log', ARGV[4], 'hash', ARGV[5],
  'previous', ARGV[2], 'floor', floor, 'kept', kept)
return { ${APPLIED} }
`);

/**
 * KEYS  the buckets that are asked
 * ARGV  for each bucket how many keys, and the keys
 */
export const GET_MANY = new RedisScript(`
local values, count, at = {}, 0, 1
for bucket = 1, #KEYS do
  local till = at + tonumber(ARGV[at])
  for first = at + 1, till, ${UNPACKED_MAX} do
    local last = math.min(first + ${UNPACKED_MAX - 1}, till)
    local found = redis.call('HMGET', KEYS[bucket], unpack(ARGV, first, last))
    for place = 1, last - first + 1 do
      count = count + 1
      values[count] = found[place]
    end
  end
  at = till + 1
end
return values
`);

/**
 * KEYS  keys, all buckets
 * ARGV  lower bound, upper bound, limit
 */
export const SCAN = new RedisScript(`
${BUCKET_OF_LUA}
local found, count = {}, 0
for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  found[count + 1] = key
  found[count + 2] = redis.call('HGET', KEYS[2 + bucketOf(key)], key)
  count = count + 2
end
return found
`);

/**
 * KEYS  meta, changes
 * ARGV  offset
 *
 * Answers whether it reaches back that far, how far it does, the covered offset, and the entries.
 */
export const CHANGES_SINCE = new RedisScript(`
local stored = redis.call('HMGET', KEYS[1], 'floor', 'covered')
local floor, covered = stored[1] or '-1', stored[2] or '-1'
local since = tonumber(ARGV[1])
if since < tonumber(floor) or since > tonumber(covered) then return { 0, floor, covered } end
local found = { 1, floor, covered }
local last = -1
while true do
  local entries = redis.call('LRANGE', KEYS[2], last - 63, last)
  for place = #entries, 1, -1 do
    local from, to = string.match(entries[place], '^(%S+) (%S+) ')
    local at = tonumber(to)
    -- An apply that did not move the offset is named to readers who are at that offset, too.
    if at < since or (at == since and from ~= to) then return found end
    found[#found + 1] = entries[place]
  end
  if #entries < 64 then return found end
  last = last - 64
end
`);

/**
 * KEYS  meta, keys, changes, all buckets
 * ARGV  epoch that the caller saw
 *
 * Answers whether it did anything: a clear that arrives late meets another epoch.
 */
export const CLEAR = new RedisScript(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'covered', 'floor')
if stored[1] ~= ARGV[1] then return 0 end
local covered, floor = stored[2] or '-1', stored[3] or '-1'
if tonumber(covered) > tonumber(floor) then floor = covered end
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HDEL', KEYS[1], 'covered', 'log', 'hash', 'previous')
redis.call('HSET', KEYS[1], 'floor', floor, 'kept', 0)
redis.call('UNLINK', unpack(KEYS, 2))
return 1
`);
