// Renders a news page from the public API alone. Nothing here knows more than /openapi.json says.

const find = (selector) => document.querySelector(selector);
const main = find("main");

/** The page's own words, in each language that it has. */
const TEXTS = JSON.parse(find("#texts").textContent);

/** The language of the page's own words and of its lists. */
let language;
let texts;

// HTML is taken only from members that the API has sanitised; everything else is text. Of styles these have only the alignment of
// cells, which the page's policy forbids as a style.
const safe = (html) => html.replaceAll(/(<t[dh][^<>]*?) style="text-align: ?(left|center|right);?"/g, '$1 data-align="$2"');
const policy = window.trustedTypes?.createPolicy("warta", { createHTML: safe }) ?? { createHTML: safe };

/** Makes an element; attributes and children that are absent are left out. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "html") element.innerHTML = policy.createHTML(value);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

class Problem extends Error {
  constructor(status, body) {
    super(body?.title ?? `HTTP ${status}`);
    Object.assign(this, { status, body });
  }
}

async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await fetch(`${path}?${query}`.replace(/\?$/, ""), { headers: { Accept: "application/json" } });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}

const address = (parameters) => `/?${new URLSearchParams({ ...parameters, language })}`;
const spoken = (tag) => Object.keys(TEXTS).find((known) => known === tag?.split("-")[0]);
const nameOf = (tag, within = language) => new Intl.DisplayNames([within], { type: "language", fallback: "code" }).of(tag);
const dateOf = (value, options) => new Intl.DateTimeFormat(language, options).format(new Date(value));
const time = (value, options = { dateStyle: "long" }) => el("time", { datetime: value }, dateOf(value, options));

/** How long ago, within a day; else the date. */
function recency(value) {
  const minutes = Math.round((Date.now() - new Date(value)) / 60_000);
  if (minutes < 0 || minutes >= 24 * 60) return time(value);
  const [amount, unit] = minutes < 60 ? [minutes, "minute"] : [Math.floor(minutes / 60), "hour"];
  const text = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-amount, unit);
  return el("time", { datetime: value, title: dateOf(value, { dateStyle: "long", timeStyle: "short" }) }, text);
}

/** A picture that takes what it stands in with it where it cannot be loaded. */
const picture = (image, alt, within) =>
  within(el("img", { src: image.url, alt, decoding: "async", onerror: ({ target }) => target.parentElement.remove() }));

const storyLink = (article) => {
  const attributes = { href: address({ article: article.slug }), hreflang: article.language };
  const title = article.highlight?.title;
  return title ? el("a", { ...attributes, html: title }) : el("a", attributes, article.title);
};

/** A story in a list, with its picture and dek. */
function teaser(article, heading, name = "li", kind = "") {
  const snippet = article.highlight?.snippet;
  const link = (image) => el("a", { class: "picture", href: address({ article: article.slug }), tabindex: "-1", "aria-hidden": "true" }, image);
  return el(
    name, { class: `story ${kind}` },
    article.image && picture(article.image, "", link),
    article.kicker ? el("span", { class: "kicker", lang: article.language }, article.kicker) : article.tags[0] && el("span", { class: "kicker" }, article.tags[0].name),
    el(heading, { lang: article.language }, storyLink(article)),
    snippet ? el("p", { lang: article.language, html: snippet }) : article.summary && el("p", { lang: article.language }, article.summary),
    el("span", { class: "meta" }, recency(article.published_at), ` · ${article.reading_minutes} ${texts.minutes}`),
  );
}

const list = (articles, heading) => el("ul", { class: "stories" }, articles.map((article) => teaser(article, heading)));
const section = (name, title, ...children) =>
  el("section", { class: name, "aria-labelledby": `${name}-title` }, el("h2", { class: "section-title", id: `${name}-title` }, title), ...children);

/** Stories as headlines. */
function briefs(articles) {
  const item = (article) =>
    el("li", {}, el("h3", { lang: article.language }, storyLink(article)), el("span", { class: "meta" }, recency(article.published_at)));
  return section("latest", texts.latest, el("ul", { class: "briefs" }, articles.map(item)));
}

/** A list, with a button that gets its next page while there is one. */
function growing(page, parameters, heading) {
  const stories = list(page.data, heading);
  if (!page.next_cursor) return [stories];
  let cursor = page.next_cursor;
  const trouble = el("p", { class: "trouble", role: "alert" });
  const button = el("button", {
    type: "button", class: "more",
    async onclick() {
      button.disabled = true;
      trouble.textContent = "";
      try {
        const next = await get("/v1/articles", { ...parameters, cursor });
        const items = next.data.map((article) => teaser(article, heading));
        stories.append(...items);
        items[0]?.querySelector(`${heading} a`).focus();
        cursor = next.next_cursor;
        button.hidden = !cursor;
      } catch {
        trouble.textContent = `${texts.failed}.`;
      }
      button.disabled = false;
    },
  }, texts.more);
  return [stories, button, trouble];
}

async function frontPage(asked) {
  let parameters = { language };
  const first = { limit: 11 };
  let page = await get("/v1/articles", { ...parameters, ...first });
  if (page.data.length === 0 && !asked.language) {
    parameters = {};
    page = await get("/v1/articles", first);
  }
  const title = texts.latest;
  const heading = el("h1", { class: "hidden", tabindex: "-1" }, `Warta: ${title}`);
  if (page.data.length === 0) {
    const docs = el("p", {}, `${texts.start} `, el("a", { href: "/docs" }, texts.docs), ".");
    return { title, nodes: [heading, el("div", { class: "notice" }, el("p", {}, texts.nothing), docs)] };
  }
  const [lead, ...others] = page.data;
  const latest = others.splice(0, 5);
  const beside = others.splice(0, 2);
  const front = el("div", { class: "front" }, teaser(lead, "h2", "div", "lead"), latest.length > 0 && briefs(latest), beside.length > 0 && list(beside, "h2"));
  const rest = others.length > 0 && section("others", texts.others, ...growing({ ...page, data: others }, { ...parameters, limit: 12 }, "h3"));
  return { title, nodes: [heading, front, rest || ""] };
}

async function tagPage({ tag }) {
  const parameters = { language, tag, limit: 12 };
  const [named, page] = await Promise.all([get(`/v1/tags/${encodeURIComponent(tag)}`), get("/v1/articles", parameters)]);
  return { title: named.name, nodes: listPage(named.name, named.description || (page.data.length === 0 && texts.nothing), page, parameters) };
}

async function searchPage({ q }) {
  const parameters = { language, q, sort: "relevance", limit: 12 };
  const page = await get("/v1/articles", parameters);
  const title = `${texts.found}: ${q}`;
  return { title, nodes: listPage(title, page.data.length === 0 && texts.noMatch, page, parameters) };
}

function listPage(title, lead, page, parameters) {
  const head = [el("h1", { class: "page-title", tabindex: "-1" }, title)];
  if (lead) head.push(el("p", { class: "page-lead" }, lead));
  return page.data.length > 0 ? [...head, ...growing(page, parameters, "h2")] : head;
}

function sourcesOf(article) {
  if (article.citations.length === 0) return null;
  const item = ({ source, url, title, role }) => el(
    "li", {},
    url ? el("a", { class: "document", href: url, rel: "noopener" }, title || url) : el("span", { class: "document" }, title),
    el("span", { class: "meta" },
      source.homepage_url ? el("a", { href: source.homepage_url, rel: "noopener" }, source.name) : source.name, ` · ${texts[role] ?? role}`),
  );
  return section("sources", texts.source, el("ul", {}, article.citations.map(item)));
}

function correctionsOf(article) {
  if (!article.corrections?.length) return null;
  const item = ({ kind, text, created_at }) =>
    el("li", {}, el("b", {}, texts[kind] ?? kind), " · ", time(created_at), el("p", { lang: article.language }, text));
  return section("corrections", texts.corrections, el("ul", {}, article.corrections.map(item)));
}

function provenanceOf({ provenance }) {
  if (!provenance) return null;
  const parts = [
    texts[provenance.kind] ?? provenance.kind,
    provenance.source_language && `${texts.from} ${nameOf(provenance.source_language)}`,
    provenance.tool && `${texts.tool}: ${provenance.tool}`,
    provenance.reviewed_by && `${texts.reviewed} ${provenance.reviewed_by}`,
  ];
  return el("p", { class: "provenance meta" }, parts.filter(Boolean).join(" · "));
}

function bodyOf(article) {
  const body = el("div", { class: "body", html: article.body_html });
  // What scrolls by itself has to be reachable by keyboard.
  for (const table of body.querySelectorAll("table")) {
    const scroller = el("div", { class: "table", role: "region", "aria-label": texts.table, tabindex: "0" });
    table.replaceWith(scroller);
    scroller.append(table);
  }
  for (const code of body.querySelectorAll("pre")) code.tabIndex = 0;
  return body;
}

function headOf(article) {
  const changed = new Date(article.updated_at) - new Date(article.published_at) > 60_000;
  const others = article.translations.map((other) =>
    el("a", { href: `/?${new URLSearchParams({ article: other.slug, language: other.language })}`, hreflang: other.language, lang: language }, nameOf(other.language)));
  const separated = (elements, separator) => elements.flatMap((element, index) => [index > 0 && separator, element]);
  return el(
    "header", {},
    article.tags.length > 0 && el("span", { class: "kicker" }, separated(article.tags.map((tag) => el("a", { href: address({ tag: tag.slug }) }, tag.name)), " · ")),
    article.kicker && el("p", { class: "overline" }, article.kicker),
    el("h1", { tabindex: "-1" }, article.title),
    article.summary && el("p", { class: "dek" }, article.summary),
    el(
      "p", { class: "byline", lang: language },
      article.byline && el("b", { lang: article.language }, article.byline),
      el("span", {}, time(article.published_at)),
      changed && el("span", {}, `${texts.updated} `, time(article.updated_at)),
      el("span", {}, `${article.reading_minutes} ${texts.minutes}`),
      others.length > 0 && el("span", {}, `${texts.translations} `, separated(others, ", ")),
    ),
  );
}

async function articlePage({ article: name }, isCurrent) {
  const article = await get(`/v1/articles/${encodeURIComponent(name)}`);
  if (!isCurrent()) return;
  setLanguage(spoken(article.language) ?? language);
  const nothing = () => ({ data: [] });
  const [related, latest] = await Promise.all([
    get(`/v1/articles/${article.id}/related`, { limit: 3 }).catch(nothing),
    get("/v1/articles", { language, limit: 7 }).catch(nothing),
  ]);
  const image = article.image;
  const caption = image && [image.caption, image.credit && `${texts.photo}: ${image.credit}`].filter(Boolean).join(" ");
  const others = latest.data.filter((other) => other.id !== article.id).slice(0, 6);
  const story = el(
    "article", { lang: article.language },
    headOf(article),
    image && picture(image, image.alt, (img) => el("figure", {}, img, caption && el("figcaption", {}, caption))),
    correctionsOf(article),
    bodyOf(article),
    sourcesOf(article),
    provenanceOf(article),
  );
  return {
    title: article.title,
    nodes: [
      el("div", { class: "page" }, story, others.length > 0 && briefs(others)),
      related.data.length > 0 ? section("related", texts.related, list(related.data, "h3")) : "",
    ],
    // The same page in other languages, where there is one.
    elsewhere: (other) => {
      const translation = article.translations.find((translation) => spoken(translation.language) === other);
      return translation ? { article: translation.slug } : {};
    },
  };
}

/** What stands where a story or a list cannot. */
function problemPage(problem, asked) {
  const { status, body } = problem;
  const searched = status === 400 && asked.q;
  const known = {
    400: searched && [texts.noSearch, texts.noSearchText],
    404: asked.tag ? [texts.missingTag, texts.missingText] : [texts.missing, texts.missingText],
    410: [texts.retracted, body?.reason],
  };
  const [title, text] = known[status] || [texts.failed, problem.message];
  const nodes = [
    el("h1", { tabindex: "-1" }, title),
    text && el("p", {}, text),
    body?.retracted_at && el("p", { class: "meta" }, time(body.retracted_at)),
    known[status] ? el("p", {}, el("a", { href: address({}) }, texts.latest)) : el("button", { type: "button", class: "more", onclick: () => show() }, texts.retry),
  ];
  return { title, nodes: [el("div", { class: "notice" }, ...nodes.filter(Boolean))] };
}

function setLanguage(tag) {
  if (tag === language) return;
  language = tag;
  texts = TEXTS[tag];
  document.documentElement.lang = tag;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", texts[element.dataset.label]);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = texts[element.dataset.placeholder];
  find(".name").href = address({});
}

function setLanguages(elsewhere) {
  const link = (other) => el(
    "a", { href: `/?${new URLSearchParams({ ...elsewhere(other), language: other })}`, lang: other, hreflang: other, "aria-current": other === language && "true" },
    el("span", {}, other.toUpperCase()), el("span", { class: "hidden" }, ` ${nameOf(other, other)}`),
  );
  find(".languages").replaceChildren(...Object.keys(TEXTS).map(link));
}

const sections = get("/v1/tags", { menu: "true", limit: 12 })
  .then((page) => (page.data.length > 0 ? page : Promise.reject(page)))
  .catch(() => get("/v1/tags", { limit: 12 }))
  .catch(() => ({ data: [] }));

async function setMenu({ article, tag, q }) {
  const link = (href, name, here) => el("li", {}, el("a", { href, "aria-current": here && "page" }, name));
  const { data } = await sections;
  find("#menu ul").replaceChildren(
    link(address({}), texts.latest, !article && !tag && !q),
    ...data.map((section) => link(address({ tag: section.slug }), section.name, section.slug === tag)),
  );
}

const wide = matchMedia("(min-width: 60rem)");
function openMenu(open) {
  const button = find(".menu-button");
  const label = button.querySelector("span");
  find("#menu").hidden = !open;
  button.setAttribute("aria-expanded", open);
  label.dataset.text = open ? "close" : "menu";
  label.textContent = texts[label.dataset.text];
}

const asked = () => Object.fromEntries(new URLSearchParams(location.search));
let shown;
let turn = 0;

/** Shows what the address says; `arrived` is called once it is there. */
async function show(arrived = () => {}) {
  const mine = ++turn;
  const parameters = asked();
  shown = location.search;
  setLanguage(spoken(parameters.language) ?? "id");
  find("#q").value = parameters.q ?? "";
  main.setAttribute("aria-busy", "true");
  const page = parameters.article ? articlePage : parameters.q ? searchPage : parameters.tag ? tagPage : frontPage;
  const view = await page(parameters, () => mine === turn).catch((problem) => problemPage(problem, parameters));
  if (mine !== turn) return;
  setLanguages(view.elsewhere ?? (() => ({ ...parameters })));
  setMenu(parameters);
  main.replaceChildren(...view.nodes);
  main.removeAttribute("aria-busy");
  document.title = `${view.title} | Warta`;
  arrived();
}

/** Where the address has a fragment, such as a footnote's, the browser was there before its target. */
function toFragment() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return false;
  target.scrollIntoView();
  return true;
}

function arriveAt(y) {
  find("main h1").focus({ preventScroll: true });
  scrollTo(0, y);
}

// How far down a page was left, for coming back to it.
history.scrollRestoration = "manual";
const leave = () => history.replaceState({ y: scrollY }, "");

function go(href) {
  leave();
  history.pushState(null, "", href);
  if (!wide.matches) openMenu(false);
  show(() => arriveAt(0));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.origin !== location.origin || link.pathname !== "/") return;
  if (link.hash) return leave();
  event.preventDefault();
  go(link.href);
});
addEventListener("popstate", ({ state }) => {
  if (location.search !== shown) show(() => toFragment() || arriveAt(state?.y ?? 0));
  else if (state) scrollTo(0, state.y);
});
addEventListener("pagehide", leave);
find(".menu-button").addEventListener("click", () => openMenu(find("#menu").hidden));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || find("#menu").hidden) return;
  openMenu(false);
  find(".menu-button").focus();
});
find(".search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = find("#q").value.trim();
  go(address(q ? { q } : {}));
});

setLanguage(spoken(asked().language) ?? "id");
openMenu(wide.matches);
await show(() => toFragment() || (history.state && scrollTo(0, history.state.y)));
