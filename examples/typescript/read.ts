// Reads what a news page needs: the latest stories and the page after them, a search, one story with its sources, and what is not there.
//
//   node dist/read.js <address of Warta>

import { type ArticleItem, ProblemError, unwrap, warta } from "./client.ts";

const api = warta(process.argv[2] ?? "http://127.0.0.1:8080");

const line = ({ title, published_at, tags }: ArticleItem) =>
  `- ${title} (${published_at?.slice(0, 10)}; ${tags.map((tag) => tag.name).join(", ")})`;

const query = { language: ["id"], limit: 3, count: true };
const page = unwrap(await api.GET("/v1/articles", { params: { query } }));
console.log(`The latest of ${page.total} stories:`);
console.log(page.data.map(line).join("\n"));

if (page.next_cursor !== null) {
  const next = unwrap(await api.GET("/v1/articles", { params: { query: { ...query, cursor: page.next_cursor } } }));
  console.log("The next page:");
  console.log(next.data.map(line).join("\n"));
}

const search = { q: "bahasa daerah", sort: "relevance", limit: 3 } as const;
const found = unwrap(await api.GET("/v1/articles", { params: { query: search } }));
console.log(`A search for "${search.q}" finds:`);
console.log(found.data.map(line).join("\n"));

const first = page.data[0];
if (!first) throw new Error("There are no stories.");
const article = unwrap(await api.GET("/v1/articles/{article}", { params: { path: { article: first.slug } } }));
console.log(`\n${article.title}\n${article.summary}\n${article.word_count} words, ${article.body_html.length} characters of HTML`);
for (const { source, title, url, role } of article.citations) {
  console.log(`Source: ${source.name}, ${title} (${role}) ${url}`);
}

try {
  unwrap(await api.GET("/v1/articles/{article}", { params: { path: { article: "no-such-story" } } }));
} catch (error) {
  if (!(error instanceof ProblemError)) throw error;
  console.log(`\n${error.problem.status} ${error.problem.type}: ${error.message}`);
}
