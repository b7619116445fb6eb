// Raw targets by Node.js: by `http`, which sends the octets as they are, or by `fetch`, which escapes some of them.
//
//   node client.mjs http|fetch ORDERS       lines of `method TAB url TAB file`
import fs from "node:fs";
import http from "node:http";

const [manner, orders] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function byHttp(method, url, body) {
  // Octets as Latin-1: `http` writes a path so.
  const [, host, port, path] = Buffer.from(url, "utf8").toString("latin1").match(/^http:\/\/([^:/]+):(\d+)(.*)$/s);
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, method, host, port, path }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function byFetch(method, url, body) {
  const response = await fetch(url, { method, body });
  await response.arrayBuffer();
  return response.status;
}

for (const line of fs.readFileSync(orders, "utf8").split("\n").filter(Boolean)) {
  const [method, url, file] = line.split("\t");
  const status = await { http: byHttp, fetch: byFetch }[manner](method, url, method === "PUT" ? fs.readFileSync(file) : undefined);
  if (status !== 200) {
    console.error(status, url);
    process.exit(1);
  }
}
agent.destroy();
