// Reads the demo reader of a running Warta with demo content, in Chromium, as people do: on a phone and on a desk, in the light and in
// the dark, with a pointer and with a keyboard. Fails where a part of the page is missing, axe finds a fault, something was asked of
// another host, the policy blocked something, the console has an error, or a page is wider than a small phone.
//
//   node .ci/reader.mjs <address of Warta> [<folder for screenshots>]
//
// PLAYWRIGHT and AXE: the folders of the packages playwright-core and axe-core. CHROMIUM: the browser.
// WARTA_ADMIN_EMAIL and WARTA_ADMIN_PASSWORD: an admin, who adds stories that are hard to show.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [address, folder] = process.argv.slice(2);
const { env } = process;
const require = createRequire(import.meta.url);
const { chromium } = require(env.PLAYWRIGHT ?? "playwright-core");
const axe = readFileSync(require.resolve(join(env.AXE ?? "axe-core", "axe.min.js")), "utf8");
if (folder) mkdirSync(folder, { recursive: true });

// The demo's pictures are at a host that does not exist.
const PICTURES = "https://images.warta.example/";
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="900"><defs><linearGradient id="a" x2="1" y2="1">
  <stop stop-color="#2d5a73"/><stop offset=".6" stop-color="#c9a66b"/><stop offset="1" stop-color="#5b3a29"/></linearGradient></defs>
  <rect width="1600" height="900" fill="url(#a)"/><circle cx="1150" cy="330" r="150" fill="#f3e3bd"/></svg>`;

const LONG = "Pertanggungjawaban".repeat(5);
const FULL = `# Bab\n\nAngka itu diperiksa.[^angka] ${LONG}\n\n| Kota | ${LONG} | Harga |\n|:--|:-:|--:|\n| Kupang | ada | 12.500 |\n
> Kami menunggu.\n\n\`\`\`\n${LONG} ${LONG}\n\`\`\`\n\n![Gudang beras](${PICTURES}gudang.jpg)\n\n${"Paragraf berikut panjang. ".repeat(120)}\n
[^angka]: Menurut catatan gudang.`;

const document = await (await fetch(new URL("/openapi.json", address))).json();
const documents = (path, parameter) =>
  document.paths[path] && (!parameter || document.paths[path].get.parameters.some(({ name }) => name === parameter));
const hasSearch = documents("/v1/articles", "q");
const hasMenu = documents("/v1/tags", "menu");
const hasRelated = documents("/v1/articles/{article}/related");
const hasCorrections = documents("/v1/articles/{article}/corrections");

async function api(path, token, body) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(new URL(path, address), { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  assert(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/** Stories that the demo does not have. */
async function hardStories() {
  const credentials = { email: env.WARTA_ADMIN_EMAIL, password: env.WARTA_ADMIN_PASSWORD };
  const { access_token: token } = await api("/v1/auth/login", null, credentials);
  const publish = async (story) => {
    const { slug } = await api("/v1/articles", token, { language: "id", ...story });
    await api(`/v1/articles/${slug}/publish`, token, { at: "2020-02-02T02:02:02Z" });
    return slug;
  };
  const bare = await publish({ title: LONG, body: "" });
  const provenance = { kind: "translated", tool: "Penerjemah 2", reviewed_by: "Redaksi", source_language: "en" };
  const full = await publish({ title: `${LONG} `.repeat(3).trim(), summary: LONG, byline: LONG, body: FULL, provenance });
  if (hasCorrections) await api(`/v1/articles/${full}/corrections`, token, { kind: "correction", text: "Yang benar dua belas gudang." });
  const retracted = await publish({ title: "Gudang beras kosong", body: "Gudang itu kosong." });
  await api(`/v1/articles/${retracted}/retract`, token, { reason: "Gudang itu tidak pernah kosong." });
  return { bare, full, retracted };
}

/** A window that keeps account of what goes wrong in it. */
async function open(browser, size, scheme, { pictures = true } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: scheme, reducedMotion: "reduce", locale: "id-ID", timezoneId: "Asia/Jakarta" });
  const page = await context.newPage();
  const wrong = [];
  await page.route(`${PICTURES}**`, (route) => (pictures ? route.fulfill({ contentType: "image/svg+xml", body: PICTURE }) : route.abort()));
  page.on("console", (message) => {
    // What was refused is looked at below, with its address.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("data:") && !url.startsWith(PICTURES) && new URL(url).origin !== new URL(address).origin) wrong.push(`remote: ${url}`);
  });
  page.on("response", (response) => {
    const { pathname, searchParams } = new URL(response.url());
    const isThere = pathname.endsWith("/related") ? hasRelated : searchParams.has("menu") ? hasMenu : searchParams.has("q") ? hasSearch : true;
    const isAsked = /\/(tidak-ada|gudang-beras-kosong(-\d+)?)$/.test(pathname);
    if (response.status() >= 400 && isThere && !isAsked) wrong.push(`${response.status()}: ${response.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  return { page, wrong, close: () => context.close() };
}

/** The page is there, and its one heading says so. */
async function arrived(page, heading) {
  await page.locator("main:not([aria-busy]) h1").first().waitFor({ state: "attached" });
  if (heading) await page.getByRole("heading", { level: 1, name: heading }).first().waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
}

async function faultless(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], `axe, ${what}`);
}

async function walk(browser, name, size, scheme, stories) {
  const { page, wrong, close } = await open(browser, size, scheme);
  const shoot = async (part) => {
    if (folder) await page.screenshot({ path: join(folder, `${name}-${scheme}-${part}.png`), fullPage: true });
  };
  const visit = async (query, heading) => {
    await page.goto(new URL(`/${query}`, address).href);
    await arrived(page, heading);
  };
  const focused = () => page.evaluate(() => globalThis.document.activeElement.tagName);

  await visit("", "Warta: Berita terbaru");
  assert((await page.title()).includes("Berita terbaru"));
  assert.equal(await page.locator("html").getAttribute("lang"), "id");
  const lead = page.locator(".lead");
  await lead.getByRole("heading", { level: 2 }).waitFor();
  assert((await page.getByRole("region", { name: "Berita terbaru" }).getByRole("listitem").count()) >= 5);
  const others = page.getByRole("region", { name: "Berita lainnya" }).getByRole("listitem");
  const before = await others.count();
  await shoot("front");
  await page.getByRole("button", { name: "Muat lebih banyak" }).click();
  await page.waitForFunction((count) => globalThis.document.querySelectorAll(".others li").length > count, before);

  // The menu, with a pointer and with a keyboard.
  const menu = page.getByRole("navigation", { name: "Menu" });
  if (await menu.isVisible()) await page.getByRole("button", { name: "Tutup" }).click();
  await menu.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Menu" }).click();
  await menu.waitFor();
  await page.getByRole("button", { name: "Tutup" }).click();
  await menu.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Menu" }).focus();
  await page.keyboard.press("Enter");
  await menu.waitFor();
  await shoot("menu");
  await faultless(page, `${name} ${scheme}, front page`);
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "hidden" });
  assert.equal(await focused(), "BUTTON");
  await page.keyboard.press("Enter");
  const riset = menu.getByRole("link", { name: "Riset" });
  await riset.focus();
  await page.keyboard.press("Enter");
  await arrived(page, "Riset");
  assert.equal(await focused(), "H1");
  if (!(await menu.isVisible())) await page.getByRole("button", { name: "Menu" }).click();
  assert.equal(await menu.getByRole("link", { name: "Riset" }).getAttribute("aria-current"), "page");
  await faultless(page, `${name} ${scheme}, tag`);
  await shoot("tag");

  // A story, from a list, and back to where the list was.
  const headline = page.locator("main h2 a").filter({ hasText: "tujuh bahasa daerah" });
  await page.evaluate(() => scrollTo(0, 100));
  const left = 100;
  const title = await headline.innerText();
  await headline.click();
  await arrived(page, title);
  assert.equal(await page.evaluate(() => scrollY), 0);
  const article = page.getByRole("article");
  assert.equal(await article.getAttribute("lang"), "id");
  assert((await article.locator(".dek").innerText()).length > 20);
  assert((await article.locator(".body p").count()) > 3);
  const sources = article.getByRole("region", { name: "Sumber:" });
  assert((await sources.getByRole("listitem").count()) > 1);
  assert.equal(await sources.getByRole("link", { name: /^Institut/ }).first().getAttribute("href"), "https://kenanga.example/");
  assert((await page.getByRole("region", { name: "Berita terbaru" }).getByRole("listitem").count()) >= 5);
  if (hasRelated) assert((await page.getByRole("region", { name: "Berita terkait" }).getByRole("listitem").count()) > 0);
  await faultless(page, `${name} ${scheme}, article`);
  await shoot("article");
  await page.goBack();
  await arrived(page, "Riset");
  assert.equal(await page.evaluate(() => scrollY), left);
  await page.goForward();
  await arrived(page, title);

  // The other language, of the story and of the front page.
  await page.getByRole("navigation", { name: "Bahasa" }).getByRole("link", { name: "English" }).click();
  await page.getByRole("region", { name: "Source:" }).waitFor();
  assert.equal(await article.getAttribute("lang"), "en");
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await page.getByRole("link", { name: "Warta", exact: true }).click();
  await arrived(page, "Warta: Latest news");
  await shoot("english");
  await page.goBack();
  await page.getByRole("region", { name: "Source:" }).waitFor();
  await page.goBack();
  await arrived(page, title);
  assert.equal(await page.locator("html").getAttribute("lang"), "id");

  await page.getByRole("searchbox").fill("bahasa daerah");
  await page.keyboard.press("Enter");
  await arrived(page, hasSearch ? "Hasil pencarian: bahasa daerah" : "Itu tidak dapat dicari");
  if (hasSearch) {
    await page.locator("main mark").first().waitFor();
    await shoot("search");
    await page.getByRole("searchbox").fill("zirkonium");
    await page.keyboard.press("Enter");
    await page.getByText("Tidak ada berita yang cocok.").waitFor();
  }
  await faultless(page, `${name} ${scheme}, search`);

  // Deep links to what is hard to show.
  await visit(`?article=${stories.full}`, LONG);
  await faultless(page, `${name} ${scheme}, a story with everything`);
  await shoot("full");
  const note = page.locator(".body sup a").first();
  await note.scrollIntoViewIfNeeded();
  const above = await page.evaluate(() => scrollY);
  await note.click();
  await page.waitForFunction(() => location.hash === "#body-angka");
  assert(await page.locator("#body-angka").isVisible());
  await page.goBack();
  await page.waitForFunction((y) => location.hash === "" && scrollY === y, above);
  await visit("?language=en");
  await visit(`?article=${stories.full}#body-angka`, LONG);
  assert((await page.evaluate(() => scrollY)) > above);
  if (hasCorrections) await page.getByRole("region", { name: "Koreksi" }).getByText("Yang benar dua belas gudang.").waitFor();
  await page.locator(".provenance").getByText("Terjemahan · dari bahasa Inggris · alat: Penerjemah 2 · diperiksa oleh Redaksi").waitFor();
  await visit(`?article=${stories.bare}`, LONG);
  await faultless(page, `${name} ${scheme}, a bare story`);
  await shoot("bare");
  await visit(`?article=${stories.retracted}`, "Berita ini ditarik kembali");
  await page.getByText("Gudang itu tidak pernah kosong.").waitFor();
  await faultless(page, `${name} ${scheme}, a retracted story`);
  await shoot("retracted");
  await visit("?article=tidak-ada", "Berita ini tidak ada");
  await page.locator("main").getByRole("link", { name: "Berita terbaru" }).click();
  await arrived(page, "Warta: Berita terbaru");
  assert.deepEqual(wrong, [], `${name} ${scheme}`);
  await close();
}

/** On a small phone, and where no picture can be loaded. */
async function small(browser, stories) {
  const { page, wrong, close } = await open(browser, { width: 320, height: 640 }, "light", { pictures: false });
  const pages = ["", "?language=en", "?tag=riset", "?article=model-bahasa-terbuka-tujuh-bahasa-daerah", "?article=tidak-ada",
    ...Object.values(stories).map((slug) => `?article=${slug}`), "?q=bahasa"];
  for (const query of pages) {
    await page.goto(new URL(`/${query}`, address).href);
    await arrived(page);
    if (!(await page.locator("#menu").isVisible())) await page.locator(".menu-button").click();
    const width = await page.evaluate(() => globalThis.document.documentElement.scrollWidth);
    assert.equal(width, 320, `/${query} is ${width} pixels wide`);
    assert.equal(await page.locator(".picture, figure").count(), 0, `/${query} has a broken picture`);
    if (folder) await page.screenshot({ path: join(folder, `small-${pages.indexOf(query)}.png`), fullPage: true });
  }
  assert.deepEqual(wrong, [], "small");
  await close();
}

const browser = await chromium.launch({
  executablePath: env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const stories = await hardStories();
  for (const scheme of ["light", "dark"]) {
    await walk(browser, "phone", { width: 390, height: 844 }, scheme, stories);
    await walk(browser, "desk", { width: 1280, height: 900 }, scheme, stories);
  }
  await small(browser, stories);
  console.log(`reader: whole${hasSearch ? "" : ", without search"}${hasRelated ? "" : ", without related"}${hasCorrections ? "" : ", without corrections"}`);
} finally {
  await browser.close();
}
