/** What an empty Freshet shows instead of lists: how the first items and events come in. */
const ITEM_LINES = `curl -X POST localhost:8090/v1/items -H 'content-type: application/json' \\
  -d '{"itemId":"tea","title":"Green tea","categories":["Drinks"]}'`;
const EVENT_LINES = `curl -X POST localhost:8090/v1/events -H 'content-type: application/json' \\
  -d '{"userId":"me","itemId":"tea","kind":"like"}'`;
const IMPORT_LINES = `freshet import ml-latest-small.zip
freshet import events.csv --map userId=user,itemId=product,occurredAt=time --kind purchase`;

export const GuidedStart = () => (
  <section className="panel guide">
    <h2>Nothing here yet</h2>
    <p>Three ways to begin. This page fills itself as soon as something arrives.</p>
    <h3>1. Tell Freshet of an item</h3>
    <pre>{ITEM_LINES}</pre>
    <h3>2. Tell it what somebody did</h3>
    <pre>{EVENT_LINES}</pre>
    <h3>3. Or bring what you have</h3>
    <pre>{IMPORT_LINES}</pre>
    <p className="quiet">
      Every call is described on the <a href="docs">API page</a>.
    </p>
  </section>
);
