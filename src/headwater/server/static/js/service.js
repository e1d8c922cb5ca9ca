// Requests to our own server: answers as data or as fragments of a page, failures as words for a person.

/** What went wrong, in words. */
export class Trouble extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 when the server could not be reached
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Trouble("The server does not answer.", 0);
  }
  if (response.ok) return response;
  throw new Trouble(await wordsOf(response), response.status);
}

/**
 * The words of a problem document.
 * @param {Response} response
 */
async function wordsOf(response) {
  if (response.status === 401) return "You are not logged in any more. Load the page again to log in.";
  try {
    const problem = await response.json();
    return [problem.detail || problem.title, problem.hint].filter(Boolean).join(". ");
  } catch {
    return `The server answered ${response.status}.`;
  }
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function getData(path, signal) {
  return (await send(path, { signal: signal ?? null })).json();
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function postData(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return (await send(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null })).json();
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function getText(path, signal) {
  return (await send(path, { signal: signal ?? null })).text();
}
