// A handler in JavaScript, with nothing but Node's own modules.
//
// Sluice posts each event here, signed by Standard Webhooks, in the order of its chat, and takes the answer as the verdict: 2xx is
// handled, 4xx is never tried again (but for 408, 425 and 429), anything else is tried again.
//
//   handlers:
//     incomingMessageReceived: {url: "http://localhost:3000/", secret_file: bot.secret}
//
//   SECRET_FILE=bot.secret PORT=3000 node bot.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const tolerance = 300; // seconds between the signature and now
const secret = Buffer.from(readFileSync(process.env.SECRET_FILE, "utf8").trim().replace(/^whsec_/, ""), "base64");

// isSigned tells whether the body was signed with the secret, lately.
function isSigned(headers, body) {
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > tolerance) return false;
  const mac = createHmac("sha256", secret).update(`${headers["webhook-id"] ?? ""}.${sentAt}.`).update(body);
  const expected = Buffer.from("v1," + mac.digest("base64"));
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

// handle is what you do with an event. Sluice-Key is the same when an event comes again.
async function handle(event, headers) {
  console.log("message", headers["sluice-key"], "of", event.senderData?.chatId);
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const body = Buffer.concat(chunks);
    const answer = (status, text = "") => response.writeHead(status).end(text);
    if (request.method !== "POST") return answer(405);
    if (!isSigned(request.headers, body)) return answer(401, "wrong signature");
    let event;
    try {
      event = JSON.parse(body);
    } catch (wrong) {
      return answer(422, `can't be read: ${wrong.message}`); // It will not get better.
    }
    try {
      await handle(event, request.headers);
    } catch (failed) {
      return answer(500, `not now: ${failed.message}`);
    }
    return answer(200);
  });
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.error("listening on", server.address().port));
