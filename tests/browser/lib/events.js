// Events as a platform sends them.
let serial = 0;

function event(kind, data) {
  serial += 1;
  return {
    specversion: "1.0",
    id: `browser-${serial}`,
    source: "https://courrier.example/comments",
    type: `stoa.${kind}.v1`,
    data: { site: "courrier", article: "a-1", ...data },
  };
}

export function article(data = {}) {
  const text = { title: "The market hall reopens", body: "After two years of works, the market hall reopens on Saturday." };
  return event("article.published", { ...text, url: "https://courrier.example/a-1", language: "en", ...data });
}

export function comment(id, body, data = {}) {
  const author = { id: `u-${id}`, display_name: `Reader ${id}` };
  const submitted_at = new Date(Date.now() - 3_600_000 + serial * 1000).toISOString();
  return event("comment.submitted", { comment: id, revision: 1, author, body, submitted_at, ...data });
}

export function report(id, data = {}) {
  const serial_of = `r-${serial + 1}`;
  return event("comment.reported", { comment: id, report: serial_of, reporter: { id: `reader-${serial}` }, reason: "offensive", ...data });
}

export function appeal(comment, decision, data = {}) {
  return event("decision.appealed", { comment, decision, appeal: `p-${serial + 1}`, ...data });
}

/** An event of a version that is still to come, which no publisher may send: roles park it. */
export function tooNew(id, data = {}) {
  const known = comment(id, "bonjour", data);
  return { ...known, type: "stoa.comment.submitted.v2", recordedtime: new Date().toISOString() };
}

// Each is held by the starter rules; no two are alike enough to be taken for the same.
const HELD = [
  "Whoever planned that entrance is a moron.",
  "Only an idiot would park a delivery van there on a Saturday.",
  "Quel abruti a choisi ces horaires ?",
  "So ein Vollidiot, hat den Plan nie gelesen.",
  "The fishmonger has been there for forty years, you moron.",
  "Encore un connard qui râle pour trois places de parking.",
  "Ты дурак, рынок открыт до восьми.",
  "I asked politely and some idiot shouted at me.",
  "Mon voisin est un crétin, et il vote.",
  "Du Arschloch, das war mein Platz in der Schlange.",
  "The mayor is a moron and so is the architect.",
  "Bande d'abrutis, le bus ne passe même pas là.",
];

/** Comments of different people that are all held: `from` to `from + count - 1`. */
export function held(count, from = 1, data = {}) {
  const ids = Array.from({ length: count }, (_, at) => `c-${from + at}`);
  return ids.map((id, at) => comment(id, `${HELD[at % HELD.length]} (${from + at})`, data));
}
