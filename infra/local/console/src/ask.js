// Calls the console's server: one operator step per request.

/** A refused request, with a hint what to do about it. */
export class Refused extends Error {
  constructor(error, cure, status) {
    super(error);
    this.cure = cure;
    this.status = status;
  }
}

async function json(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("the console does not answer", "Start the stack again with `make up`, then reload this page.");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Refused(`the answer to ${path} broke off`, "Try again.", response.status);
  }
  if (!response.ok) throw new Refused(answer.error, answer.cure, response.status);
  return answer;
}

/** The answer of the function `operator` to a step. */
export function ask(step, question) {
  const body = JSON.stringify(question);
  return json(`/ask/${step}`, { method: "POST", headers: { "content-type": "application/json" }, body });
}

/** The completed assets, the newest first. */
export async function gallery() {
  return (await json("/gallery")).assets;
}
