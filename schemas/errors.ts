/**
 * Every failure that Freshet can report, once: its code, HTTP status, whether trying again can
 * help, and the sentence. `{name}` in a template is filled from the details. Programmer mistakes
 * are assertions and do not stand here.
 */
export interface ErrorSpec {
  readonly status: number;
  readonly retriable: boolean;
  readonly template: string;
}

export const ERRORS = {
  // Requests
  bad_json: { status: 400, retriable: false, template: 'Expected a JSON body, got {problem}.' },
  bad_request: { status: 400, retriable: false, template: '{problem}' },
  unknown_kind: {
    status: 400,
    retriable: false,
    template: 'Expected kind to be one of {known}, got {kind}.',
  },
  bad_value: { status: 400, retriable: false, template: '{problem}' },
  bad_id: {
    status: 400,
    retriable: false,
    template: 'Expected {field} to be 1 to 128 characters without control characters, got {got}.',
  },
  too_old: {
    status: 400,
    retriable: false,
    template:
      'Expected occurredAt to be at most 7 days ago, got {occurredAt}; load older events with `freshet import`.',
  },
  in_future: {
    status: 400,
    retriable: false,
    template: 'Expected occurredAt to be at most 5 minutes ahead, got {occurredAt}.',
  },
  id_conflict: {
    status: 409,
    retriable: false,
    template: 'Expected eventId {eventId} to carry the same payload as before, got another one.',
  },
  not_replayable: {
    status: 409,
    retriable: false,
    template:
      'Expected dead letter {id} to be a whole interaction, got a part of one or a record of {topic}.',
  },
  not_found: { status: 404, retriable: false, template: 'Expected {what} to exist, found none.' },
  head_too_large: {
    status: 431,
    retriable: false,
    template: 'Expected a path and headers of at most 16 KiB, got more.',
  },
  request_too_slow: {
    status: 408,
    retriable: true,
    template: 'Expected the request within its time, got only a part of it.',
  },
  method_not_allowed: {
    status: 405,
    retriable: false,
    template: 'Expected one of {methods} here, got {got}.',
  },
  too_large: {
    status: 413,
    retriable: false,
    template: 'Expected a body of at most {limit}, got more.',
  },
  too_many_events: {
    status: 413,
    retriable: false,
    template: 'Expected at most {limit} events in one request, got {got}.',
  },
  bad_media_type: {
    status: 415,
    retriable: false,
    template: 'Expected content type {expected}, got {got}.',
  },
  too_many_requests: {
    status: 429,
    retriable: true,
    template: 'Expected at most {limit} requests a second, got more; wait {retryAfterSeconds} s.',
  },
  forbidden_origin: {
    status: 403,
    retriable: false,
    template: 'Expected an Origin from the configured list, got {origin}.',
  },
  internal: { status: 500, retriable: true, template: 'Something failed inside; it is logged.' },
  unavailable: { status: 503, retriable: true, template: 'Not available now: {why}.' },
  not_covered_yet: {
    status: 504,
    retriable: true,
    template:
      'Expected positions {after} to be taken in within {limitMs} ms; what was reached is {covered}.',
  },
  timeout: { status: 504, retriable: true, template: 'Expected an answer within {limitMs} ms.' },

  // Records
  bad_record: {
    status: 400,
    retriable: false,
    template: 'Expected a readable record, got {problem}.',
  },
  unknown_schema: {
    status: 400,
    retriable: false,
    template: 'Expected a known schema id, got {schemaId}.',
  },

  // Log
  log_closed: { status: 503, retriable: false, template: 'Expected an open log, got one closed.' },
  unknown_topic: { status: 500, retriable: false, template: 'Expected topic {topic} to exist.' },
  log_unavailable: {
    status: 503,
    retriable: true,
    template: 'Expected the log to answer, got {problem}; nothing was stored.',
  },
  log_unacknowledged: {
    status: 503,
    retriable: true,
    template:
      'Expected the log to acknowledge records within {limitMs} ms, got {problem}; they may be stored or not, send them again.',
  },
  log_refused: {
    status: 500,
    retriable: false,
    template: 'Expected the log to do what it was asked for, got {problem}.',
  },
  log_replaced: {
    status: 500,
    retriable: false,
    template:
      'Expected topic {topic} to be the one with id {expected}, found another with id {found}; it was made anew.',
  },
  topic_mismatch: {
    status: 500,
    retriable: false,
    template:
      'Expected {setting} of topic {topic} to {must} {expected}, found {found}; change one or the other.',
  },
  record_too_large: {
    status: 413,
    retriable: false,
    template: 'Expected a record of at most {limitBytes} bytes, got {gotBytes}.',
  },
  batch_too_large: {
    status: 413,
    retriable: false,
    template: 'Expected a batch of at most {limit}, got {got}.',
  },
  offset_out_of_range: {
    status: 500,
    retriable: false,
    template:
      'Expected an offset from {low} to {end} in {topic} partition {partition}, got {offset}.',
  },
  record_corrupt: {
    status: 500,
    retriable: false,
    template: 'Expected the checksum of {topic} partition {partition} offset {offset} to fit.',
  },
  gap_detected: {
    status: 500,
    retriable: false,
    template:
      'Expected {topic} partition {partition} to reach back to offset {expected}, it starts at {low}.',
  },
  log_expired: {
    status: 409,
    retriable: false,
    template:
      'Expected {topic} partition {partition} to reach back to its beginning, retention moved it to {low}; the state is left as it is, since the log alone can no longer make it. With the warehouse, `freshet rebuild` can.',
  },
  archive_incomplete: {
    status: 409,
    retriable: false,
    template:
      'Expected log or warehouse to hold all of {topic} partition {partition}, neither has {missing} of its events; the state is left as it is. `freshet rebuild --accept-loss` goes on without them.',
  },
  log_regressed: {
    status: 500,
    retriable: false,
    template:
      'Expected {topic} partition {partition} to reach offset {expected}, it ends at {end}; the log lost records that the state has seen.',
  },
  log_diverged: {
    status: 500,
    retriable: false,
    template:
      'Expected {topic} partition {partition} to hold the record that the state has seen at {offset}, found another.',
  },
  keys_lost: {
    status: 500,
    retriable: false,
    template:
      'Expected {topic} to hold the keys of all people, got {problem}; without them nobody reads what the log holds of people. Bring the topic back from a backup.',
  },

  // State
  state_closed: { status: 503, retriable: false, template: 'Expected an open state store.' },
  apply_too_large: {
    status: 500,
    retriable: false,
    template: 'Expected an apply of at most {limit}, got {got}.',
  },
  fenced: {
    status: 500,
    retriable: false,
    template: 'Expected to own {partition} at epoch {epoch}, another owner has epoch {stored}.',
  },
  state_corrupt: {
    status: 500,
    retriable: false,
    template: 'Expected readable state in {partition}, got {problem}.',
  },
  state_unavailable: {
    status: 503,
    retriable: true,
    template: 'Expected the state store to answer, got {problem}.',
  },
  state_full: {
    status: 507,
    retriable: true,
    template: 'Expected room in the state store, got {problem}.',
  },

  // Warehouse, artifacts, live bus
  warehouse_closed: { status: 503, retriable: false, template: 'Expected an open warehouse.' },
  warehouse_unavailable: {
    status: 503,
    retriable: true,
    template: 'Expected the warehouse to answer, got {problem}.',
  },
  warehouse_reset: {
    status: 503,
    retriable: true,
    template:
      'Expected the same warehouse as before, got one that was set up anew; its covered offsets are to be read again.',
  },
  statement_failed: {
    status: 500,
    retriable: false,
    template: 'Statement {statement} failed with {engineCode}: {problem}',
  },
  artifact_damaged: {
    status: 500,
    retriable: false,
    template: 'Expected the checksum of {file} in release {version} to fit.',
  },
  artifact_exists: {
    status: 409,
    retriable: false,
    template: 'Expected release {version} to be new, it is already published.',
  },
  training_runs: {
    status: 409,
    retriable: true,
    template: 'Expected no training to be running, got run {runId} since {startedAt}.',
  },
  training_impossible: { status: 409, retriable: false, template: 'No training here: {why}' },
  training_failed: { status: 500, retriable: true, template: 'The training failed: {problem}' },
  bus_closed: { status: 503, retriable: false, template: 'Expected an open live bus.' },

  // The instance
  disk_full: { status: 507, retriable: true, template: 'Expected room on the disk, got none.' },
  storage_failed: {
    status: 500,
    retriable: false,
    template:
      'The disk failed while writing ({problem}); stopping rather than guessing what is safe.',
  },
  data_newer: {
    status: 500,
    retriable: false,
    template:
      'Expected a data directory of format {supported} or older, {directory} has format {found}; use a newer Freshet.',
  },
  state_newer: {
    status: 500,
    retriable: false,
    template:
      'Expected state of format {supported} or older, {directory} holds state of format {found}; use a newer Freshet.',
  },
  data_in_use: {
    status: 500,
    retriable: false,
    template: 'Expected {directory} to be free, process {pid} is using it.',
  },
  data_other_catalogue: {
    status: 409,
    retriable: false,
    template: 'Expected {directory} to hold {wanted}, it holds {found}; start with `{command}`.',
  },
  network_file_system: {
    status: 500,
    retriable: false,
    template:
      'Expected {directory} to lie on a local disk, it lies on {found}; choose another directory with --data.',
  },
  data_not_empty: {
    status: 409,
    retriable: false,
    template:
      'Expected {directory} to be empty, it holds something; choose another directory, or add --force to replace it.',
  },
  backup_damaged: {
    status: 500,
    retriable: false,
    template: 'Expected a whole backup in {directory}, got one with {problem}.',
  },
  site_not_empty: {
    status: 409,
    retriable: false,
    template:
      'Expected nothing of a site there, found {problem}; choose another --namespace, or remove what is there.',
  },
  site_differs: {
    status: 409,
    retriable: false,
    template: 'Expected {expected}, got {got}.',
  },
  port_busy: {
    status: 500,
    retriable: false,
    template: 'Expected port {port} to be free, another program listens there.',
  },
  bad_settings: { status: 500, retriable: false, template: '{problem}' },
  bad_usage: { status: 400, retriable: false, template: '{problem}' },
  bad_file: {
    status: 400,
    retriable: false,
    template: 'Expected {expected} in {path}, got {got}.',
  },
  import_too_broken: {
    status: 400,
    retriable: false,
    template: 'Expected at most {limit} lines that cannot be read, got more: {examples}.',
  },
  feed_withdraws_too_much: {
    status: 409,
    retriable: false,
    template:
      'Expected the feed to withdraw at most {limitPercent} % of the items, it would withdraw {count} of {total}; add --force if that is meant.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The one error class: a code from the table, the filled-in sentence, and what led to it. */
export class FreshetError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(fillTemplate(ERRORS[code].template, details), options);
    this.name = 'FreshetError';
    this.code = code;
    this.details = details;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }
}

export const isFreshetError = (error: unknown, code?: ErrorCode): error is FreshetError =>
  error instanceof FreshetError && (code === undefined || error.code === code);

const fillTemplate = (template: string, details: ErrorDetails): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) =>
    Object.hasOwn(details, name) ? String(details[name]) : '?',
  );
