// Opens the docs page of a running Warta in Chromium, and fails where it is not whole: an operation's text is missing,
// something was asked of another host, the policy blocked something, or the console has an error.
//
//   node .ci/docs.mjs <address of Warta> [<file for a screenshot>]
//
// PLAYWRIGHT: the folder of the package playwright-core. CHROMIUM: the browser.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [address, screenshot] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT ?? "playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const wrong = [];
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== new URL(address).origin) {
      wrong.push(`remote: ${url}`);
    }
  });
  page.on("requestfailed", (request) => wrong.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      // A library asks once whether it may make code at run time, and does without where it may not.
      if (event.blockedURI === "eval") return;
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });

  await page.goto(new URL("/docs", address).href);
  await page.getByRole("heading", { name: "Warta", exact: true }).waitFor();
  const document = await (await fetch(new URL("/openapi.json", address))).json();
  const operation = document.paths["/v1/articles/{article}/unpublish"].post;
  await page.getByRole("link", { name: operation.summary }).first().click();
  await page.getByText(operation.description.split(".")[0]).first().waitFor();
  // Late requests, such as of fonts or of measurements, would come by now.
  await page.waitForTimeout(3000);
  if (screenshot) await page.screenshot({ path: screenshot });

  const text = await page.locator("body").innerText();
  for (const advertised of ["Ask AI", "Powered by", "Deploy API", "Generate MCP", "Developer Tools"]) {
    assert(!text.includes(advertised), `the page says "${advertised}"`);
  }
  assert.deepEqual(wrong, []);
  console.log(`docs: whole, with "${operation.summary}"`);
} finally {
  await browser.close();
}
