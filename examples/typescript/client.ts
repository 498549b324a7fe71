// A client whose paths, parameters and answers have the types of the OpenAPI document.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

export type Article = components["schemas"]["Article"];
export type ArticleItem = components["schemas"]["ArticleItem"];
export type Problem = components["schemas"]["Problem"];

/** What the API answered instead of what was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** A client of the Warta at this address, as a reader; with a token, as an editor. */
export function warta(baseUrl: string, token?: string) {
  // Of the forms that an article has, its own JSON: what is answered where no Accept header asks for another one.
  return createClient<paths, "application/json" | "application/problem+json">({
    baseUrl,
    // Several values of a parameter stand in one, with commas between them.
    querySerializer: { array: { style: "form", explode: false } },
    ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
  });
}

/** The data of an answer; throws the problem where there is one. */
export function unwrap<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new ProblemError(answer.error);
  if (answer.data === undefined) throw new TypeError("The answer has no body.");
  return answer.data;
}
