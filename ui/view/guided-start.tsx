/** What an empty Freshet shows instead of lists: how the first items and events come in. */
interface GuidedStartProps {
  /** Where this instance answers, with a slash at the end. */
  readonly base: string;
}

export const GuidedStart = ({ base }: GuidedStartProps) => (
  <section className="panel guide" aria-labelledby="guide-heading">
    <h2 id="guide-heading">Nothing here yet</h2>
    <p>Three ways to begin. This page fills itself as soon as something arrives.</p>
    <h3>1. Tell Freshet of an item</h3>
    <pre>{`curl '${base}v1/items' -H 'content-type: application/json' \\
  -d '{"itemId":"tea","title":"Green tea","categories":["Drinks"]}'`}</pre>
    <h3>2. Tell it what somebody did</h3>
    <pre>{`curl '${base}v1/events' -H 'content-type: application/json' \\
  -d '{"userId":"me","itemId":"tea","kind":"like"}'`}</pre>
    <h3>3. Or bring what you have, from Freshet’s own folder</h3>
    <pre>{`npx freshet import ml-latest-small.zip --url ${base}
npx freshet import events.csv --url ${base} \\
  --map userId=user,itemId=product,occurredAt=time,kind:=purchase`}</pre>
    <p className="quiet">
      Or see it alive first: start with <code>npm start -- --data ./data-demo</code> for the demo’s
      films and audience. Every call is described on the <a href="docs">API page</a>.
    </p>
  </section>
);
