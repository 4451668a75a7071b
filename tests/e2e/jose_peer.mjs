// jose_peer.mjs COMMAND... - the npm package `jose`, unmodified, on the other
// side of our tokens. PEERS names the folder with node_modules.
//   verify JWKS TOKEN ISSUER AUDIENCE TYP AT   it takes our token by our key set
//   svid BUNDLE USE TOKEN [AUDIENCE]           it takes our SVID by a SPIFFE bundle's keys of that use
//   sign KEYPEM FILE AT [alg kid ...]          it makes a token for us to take
//   jwk KEYPEM                                 thumbprint and public JWK
//   dpop KEYPEM TOKEN METHOD URL NONCE AT      it makes a proof (RFC 9449)
import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.PEERS}/package.json`);
const jose = await import(pathToFileURL(require.resolve('jose')));
const [, , command, ...args] = process.argv;
const read = (file) => readFileSync(file, 'utf8').trim();
const seconds = (at) => Math.floor(new Date(at).getTime() / 1000);

function algorithmOf(key) {
	return { ec: 'ES256', ed25519: 'EdDSA', rsa: 'RS256' }[key.asymmetricKeyType];
}

async function publicJwk(key) {
	return jose.exportJWK(key.type === 'private' ? createPublicKey(key) : key);
}

async function verify(jwks, token, issuer, audience, typ, at) {
	const set = jose.createLocalJWKSet(JSON.parse(read(jwks)));
	const { payload, protectedHeader } = await jose.jwtVerify(read(token), set,
	    { issuer, audience, typ, currentDate: new Date(at),
	      algorithms: ['ES256', 'EdDSA', 'RS256'],
	      requiredClaims: ['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti', 'cnf', 'inc'] });
	console.log(`${payload.sub} ${protectedHeader.alg} ${payload.cnf.jkt}`);
}

async function svid(bundle, use, token, audience) {
	const keys = JSON.parse(read(bundle)).keys.filter((key) => key.use === use)
	    // A use of SPIFFE's is none of jose's.
	    .map(({ use: _, ...key }) => key);
	const { payload, protectedHeader } = await jose.jwtVerify(read(token),
	    jose.createLocalJWKSet({ keys }),
	    { audience, typ: use === 'wit-svid' ? 'wit+jwt' : 'JWT', algorithms: ['ES256'],
	      requiredClaims: use === 'wit-svid' ? ['sub', 'exp', 'cnf'] : ['sub', 'exp', 'aud'] });
	const key = payload.cnf?.jwk;
	console.log(`${payload.sub} ${protectedHeader.alg} ${key ? await jose.calculateJwkThumbprint(key) : '-'}`);
}

// A full token as our contract has it; EDIT is JSON laid over payload or header.
async function sign(pem, holder, at, edit = '{}') {
	const key = createPrivateKey(read(pem));
	const change = JSON.parse(edit);
	const kid = await jose.calculateJwkThumbprint(await publicJwk(key));
	const jkt = await jose.calculateJwkThumbprint(
	    await publicJwk(createPrivateKey(read(holder))));
	const iat = seconds(at);
	const payload = { iss: 'sts', sub: 'i-1', aud: 'updates', iat, nbf: iat,
		exp: iat + 300, jti: randomUUID().replaceAll('-', ''),
		cnf: { jkt }, inc: 1, ...change.payload };
	console.log(await new jose.SignJWT(payload).setProtectedHeader({
		alg: algorithmOf(key), typ: 'avow-token+jwt', kid, ...change.header,
	}).sign(key));
}

async function dpop(pem, token, method, url, nonce, at) {
	const key = createPrivateKey(read(pem));
	const ath = createHash('sha256').update(read(token)).digest('base64url');
	console.log(await new jose.SignJWT({ jti: randomUUID(), htm: method, htu: url,
		iat: at === 'now' ? Math.floor(Date.now() / 1000) : seconds(at),
		ath, ...(nonce ? { nonce } : {}) }).setProtectedHeader({
		alg: algorithmOf(key), typ: 'dpop+jwt', jwk: await publicJwk(key),
	}).sign(key));
}

async function jwk(pem) {
	const text = read(pem);
	const key = text.includes('PRIVATE') ? createPrivateKey(text) : createPublicKey(text);
	console.log(await jose.calculateJwkThumbprint(await publicJwk(key)));
}

try {
	await { verify, svid, sign, dpop, jwk }[command](...args);
} catch (e) {
	console.error(e.code ?? '', e.message);
	process.exit(2);
}
