// A bidirectional stream of Bedrock by AWS's own SDK for JavaScript, which signs with keys that nobody knows.
//
//   node bidirectional.mjs URL h2|h1 turns|flood COUNT BYTES
//
// `turns` waits for each response before it goes on; `flood` sends and receives at once. Prints what came back as JSON.
import { BedrockRuntimeClient, InvokeModelWithBidirectionalStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttp2Handler, NodeHttpHandler } from "@smithy/node-http-handler";

const [endpoint, version, manner, count, bytes] = process.argv.slice(2);
const client = new BedrockRuntimeClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  maxAttempts: 1,
  requestHandler: version === "h2" ? new NodeHttp2Handler() : new NodeHttpHandler(),
});

let received = 0;
let sum = 0;
let wake = () => {};

async function* messages() {
  for (let number = 0; number < Number(count); number++) {
    yield { chunk: { bytes: new Uint8Array(Number(bytes)).fill(number % 251) } };
    while (manner === "turns" && received <= number) {
      await new Promise((resolve) => (wake = resolve));
    }
  }
}

const command = new InvokeModelWithBidirectionalStreamCommand({ modelId: "amazon.nova-sonic-v1:0", body: messages() });
try {
  const response = await client.send(command);
  for await (const event of response.body) {
    const got = event.chunk.bytes;
    if (got.length !== Number(bytes) || got.some((byte) => byte !== received % 251)) throw new Error(`message ${received} differs`);
    received += 1;
    sum += got.length;
    wake();
  }
  console.log(JSON.stringify({ received, sum }));
} catch (error) {
  console.log(JSON.stringify({ received, status: error.$metadata?.httpStatusCode, error: String(error) }));
}
client.destroy();
