// One HTTPS request with Node's own fetch through the environment's proxy (NODE_USE_ENV_PROXY); trusts what Node trusts by default.
const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(20_000) });
console.log(await response.text());
