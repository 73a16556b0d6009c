// A provider of OpenID Connect: code flow with PKCE, RS256. It believes everybody who they say they are.
import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const MINUTES = 60;

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function key() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

/** What a form of the web has. */
async function form(request) {
  let text = "";
  for await (const part of request) text += part;
  return new URLSearchParams(text);
}

export class Provider {
  /** Starts one for a client; people are claims by name. With `caught` it leads nobody back, and tells where to. */
  static async start({ client, secret, people }) {
    const provider = new Provider();
    Object.assign(provider, { client, secret, people, codes: new Map(), asked: [], lie: {}, keys: key() });
    provider.server = createServer((request, answer) => {
      provider.answer(request, answer).catch((error) => answer.writeHead(400).end(String(error)));
    });
    await new Promise((done) => provider.server.listen(0, "127.0.0.1", done));
    // Another site than 127.0.0.1, as it is in life: cookies are kept back on the way from here.
    provider.issuer = `http://localhost:${provider.server.address().port}`;
    return provider;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  async answer(request, answer) {
    const url = new URL(request.url, this.issuer);
    const json = (value, status = 200) =>
      answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (`${request.method} ${url.pathname}`) {
      case "GET /.well-known/openid-configuration":
        return json(this.metadata());
      case "GET /keys":
        return json({ keys: [{ ...this.keys.publicKey.export({ format: "jwk" }), kid: "k-1", use: "sig", alg: "RS256" }] });
      case "GET /authorize":
        return answer.writeHead(200, { "content-type": "text/html" }).end(this.page(url.searchParams));
      case "POST /authorize": {
        const sent = await form(request);
        const location = this.back(new URLSearchParams(sent.get("asked")), sent);
        if (!this.caught) return answer.writeHead(302, { location }).end();
        this.caught(location);
        return answer.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><title>Wait</title>");
      }
      case "POST /token": {
        const [status, value] = this.exchange(request, await form(request));
        return json(value, status);
      }
      default:
        return answer.writeHead(url.pathname === "/favicon.ico" ? 204 : 404).end();
    }
  }

  metadata() {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  /** The page on which one says who one is. */
  page(asked) {
    this.asked.push(asked);
    const expected = { client_id: this.client, redirect_uri: this.comesBack, response_type: "code", code_challenge_method: "S256" };
    for (const [name, value] of Object.entries(expected)) {
      if (asked.get(name) !== value) throw new Error(`${name} is ${asked.get(name)}`);
    }
    if (!asked.get("scope").split(" ").includes("openid")) throw new Error("the scope is not openid");
    for (const name of ["state", "nonce", "code_challenge"]) {
      if ((asked.get(name) ?? "").length < 20) throw new Error(`${name} is missing, or can be guessed`);
    }
    const names = Object.keys(this.people).map((name) => `<option>${name}</option>`);
    return `<!DOCTYPE html><title>Provider</title><h1>Who are you?</h1><form method="post">
      <input type="hidden" name="asked" value="${String(asked).replaceAll("&", "&amp;")}">
      <select name="who">${names.join("")}</select>
      <button id="yes">Go on</button> <button id="no" name="refused" value="access_denied">Rather not</button></form>`;
  }

  /** Where it leads back to. */
  back(asked, sent) {
    const back = new URL(asked.get("redirect_uri"));
    back.searchParams.set("state", asked.get("state"));
    if (sent.has("refused")) {
      back.searchParams.set("error", sent.get("refused"));
    } else {
      const code = randomUUID();
      this.codes.set(code, { asked, who: sent.get("who") });
      back.searchParams.set("code", code);
    }
    return String(back);
  }

  /** Gives a token for a code, once, to who began with its challenge. */
  exchange(request, sent) {
    const refuse = (error) => [400, { error }];
    // Both are encoded as in forms first (RFC 6749, 2.3.1).
    const pair = new URLSearchParams([[this.client, this.secret]]).toString().replace("=", ":");
    if (request.headers.authorization !== `Basic ${Buffer.from(pair).toString("base64")}`) return [401, { error: "invalid_client" }];
    const known = this.codes.get(sent.get("code"));
    this.codes.delete(sent.get("code"));
    if (sent.get("grant_type") !== "authorization_code" || !known) return refuse("invalid_grant");
    const challenge = createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url");
    if (challenge !== known.asked.get("code_challenge")) return refuse("invalid_grant");
    if (sent.get("redirect_uri") !== known.asked.get("redirect_uri")) return refuse("invalid_grant");
    return [200, { access_token: randomUUID(), token_type: "Bearer", expires_in: 300, id_token: this.token(known) }];
  }

  /** What it says of somebody, or what the test has it say. */
  token({ asked, who }) {
    const { header, claims, forged } = this.lie;
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now, exp: now + 5 * MINUTES };
    const own = { iss: this.issuer, aud: this.client, nonce: asked.get("nonce"), ...times, ...this.people[who], ...claims };
    const signed = `${encode({ alg: "RS256", kid: "k-1", ...header })}.${encode(own)}`;
    const { privateKey } = forged ? key() : this.keys;
    if (header?.alg === "none") return `${signed}.`;
    return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
  }
}
