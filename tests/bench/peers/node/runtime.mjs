// Lambda's runtime loop, without the rest of Lambda's Node.js runtime, so that the benchmark counts
// only the peer's own work.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

export async function serve(handler) {
  for (;;) {
    const next = await fetch(`${api}/next`);
    const id = next.headers.get('lambda-runtime-aws-request-id');
    try {
      const answer = await handler(JSON.parse(await next.text()), { awsRequestId: id });
      await (await fetch(`${api}/${id}/response`, { method: 'POST', body: JSON.stringify(answer) })).text();
    } catch (error) {
      const body = JSON.stringify({ errorType: error.name, errorMessage: error.message });
      await (await fetch(`${api}/${id}/error`, { method: 'POST', body })).text();
    }
  }
}
