// A conversation with Bedrock by AWS's own SDK for JavaScript, which signs with keys that nobody knows.
//
//   node conversation.mjs URL h2|h1 turns|flood COUNT BYTES
//
// `turns` waits for each answer before it goes on; `flood` speaks and listens at once. Prints what came back as JSON.
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

let heard = 0;
let sum = 0;
let wake = () => {};

async function* speak() {
  for (let number = 0; number < Number(count); number++) {
    yield { chunk: { bytes: new Uint8Array(Number(bytes)).fill(number % 251) } };
    while (manner === "turns" && heard <= number) {
      await new Promise((resolve) => (wake = resolve));
    }
  }
}

const command = new InvokeModelWithBidirectionalStreamCommand({ modelId: "amazon.nova-sonic-v1:0", body: speak() });
try {
  const answer = await client.send(command);
  for await (const event of answer.body) {
    const got = event.chunk.bytes;
    if (got.length !== Number(bytes) || got.some((byte) => byte !== heard % 251)) throw new Error(`message ${heard} differs`);
    heard += 1;
    sum += got.length;
    wake();
  }
  console.log(JSON.stringify({ heard, sum }));
} catch (error) {
  console.log(JSON.stringify({ heard, status: error.$metadata?.httpStatusCode, error: String(error) }));
}
client.destroy();
