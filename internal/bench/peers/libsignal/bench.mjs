// What a message takes in a session of libsignal from Node, for `make bench-peers`. It prints its figures
// as JSON; internal/bench/peers/README.md says what each is.

import {
  CiphertextMessageType, Direction, IdentityChange, IdentityKeyStore, KEMKeyPair, KyberPreKeyRecord, KyberPreKeyStore, PreKeyBundle,
  PreKeyRecord, PreKeySignalMessage, PreKeyStore, PrivateKey, ProtocolAddress, SessionRecord, SessionStore, SignalMessage,
  SignedPreKeyRecord, SignedPreKeyStore, processPreKeyBundle, signalDecrypt, signalDecryptPreKey, signalEncrypt,
} from '@signalapp/libsignal-client';

// Bytes of a text, the same in all programs of the comparison.
const SIZES = [100, 1024];
// Messages of one figure, and before them those that warm up.
const MESSAGES = 2000;
const WARM_UP = 500;

// Sessions in memory: as objects, or as the bytes that a disk would have.
class Sessions extends SessionStore {
  constructor(stored) {
    super();
    this.stored = stored;
    this.kept = new Map();
  }

  async saveSession(address, record) {
    this.kept.set(address.toString(), this.stored ? record.serialize() : record);
  }

  async getSession(address) {
    const kept = this.kept.get(address.toString());
    if (kept === undefined) return null;
    return this.stored ? SessionRecord.deserialize(kept) : kept;
  }

  async getExistingSessions(addresses) {
    return Promise.all(addresses.map((address) => this.getSession(address)));
  }
}

class Identities extends IdentityKeyStore {
  constructor(own, registration) {
    super();
    this.own = own;
    this.registration = registration;
    this.others = new Map();
  }

  async getIdentityKey() { return this.own; }

  async getLocalRegistrationId() { return this.registration; }

  async saveIdentity(address, key) {
    const before = this.others.get(address.toString());
    this.others.set(address.toString(), key);
    return before && !before.equals(key) ? IdentityChange.ReplacedExisting : IdentityChange.NewOrUnchanged;
  }

  async isTrustedIdentity(address, key, direction) {
    const known = this.others.get(address.toString());
    return direction === Direction.Receiving || known === undefined || known.equals(key);
  }

  async getIdentity(address) { return this.others.get(address.toString()) ?? null; }
}

class PreKeys extends PreKeyStore {
  kept = new Map();

  async savePreKey(id, record) { this.kept.set(id, record); }

  async getPreKey(id) { return this.kept.get(id); }

  async removePreKey(id) { this.kept.delete(id); }
}

class SignedPreKeys extends SignedPreKeyStore {
  kept = new Map();

  async saveSignedPreKey(id, record) { this.kept.set(id, record); }

  async getSignedPreKey(id) { return this.kept.get(id); }
}

class KyberPreKeys extends KyberPreKeyStore {
  kept = new Map();

  async saveKyberPreKey(id, record) { this.kept.set(id, record); }

  async getKyberPreKey(id) { return this.kept.get(id); }

  async markKyberPreKeyUsed() {}
}

class Side {
  constructor(name, registration, stored) {
    this.address = ProtocolAddress.new(name, 1);
    this.sessions = new Sessions(stored);
    this.identity = PrivateKey.generate();
    this.registration = registration;
    this.identities = new Identities(this.identity, registration);
    this.preKeys = new PreKeys();
    this.signedPreKeys = new SignedPreKeys();
    this.kyberPreKeys = new KyberPreKeys();
  }

  async bundle() {
    const [oneTime, signed, kyber] = [PrivateKey.generate(), PrivateKey.generate(), KEMKeyPair.generate()];
    const signature = this.identity.sign(signed.getPublicKey().serialize());
    const kyberSignature = this.identity.sign(kyber.getPublicKey().serialize());
    await this.preKeys.savePreKey(1, PreKeyRecord.new(1, oneTime.getPublicKey(), oneTime));
    await this.signedPreKeys.saveSignedPreKey(1, SignedPreKeyRecord.new(1, Date.now(), signed.getPublicKey(), signed, signature));
    await this.kyberPreKeys.saveKyberPreKey(1, KyberPreKeyRecord.new(1, Date.now(), kyber, kyberSignature));
    return PreKeyBundle.new(this.registration, 1, 1, oneTime.getPublicKey(), 1, signed.getPublicKey(), signature,
      this.identity.getPublicKey(), 1, kyber.getPublicKey(), kyberSignature);
  }

  async seal(to, text) {
    const message = await signalEncrypt(text, to.address, this.address, this.sessions, this.identities);
    return [message.type(), message.serialize()];
  }

  open(from, [type, bytes]) {
    if (type === CiphertextMessageType.PreKey) {
      return signalDecryptPreKey(PreKeySignalMessage.deserialize(bytes), from.address, this.address, this.sessions, this.identities,
        this.preKeys, this.signedPreKeys, this.kyberPreKeys);
    }
    return signalDecrypt(SignalMessage.deserialize(bytes), from.address, this.address, this.sessions, this.identities);
  }
}

// acquainted are two sides with a session in which both have written.
async function acquainted(stored) {
  const [alice, bob] = [new Side('alice', 1, stored), new Side('bob', 2, stored)];
  await processPreKeyBundle(await bob.bundle(), bob.address, alice.address, alice.sessions, alice.identities);
  for (const [from, to] of [[alice, bob], [bob, alice]]) {
    await to.open(from, await from.seal(to, Buffer.from('hello')));
  }
  return [alice, bob];
}

async function measure(inTurn, stored, size) {
  let [from, to] = await acquainted(stored);
  const text = Buffer.alloc(size, 'm');
  const took = [];
  for (let i = 0; i < WARM_UP + MESSAGES; i++) {
    const begin = process.hrtime.bigint();
    const got = await to.open(from, await from.seal(to, text));
    const passed = Number(process.hrtime.bigint() - begin);
    if (!text.equals(got)) throw new Error('another text came');
    if (i >= WARM_UP) took.push(passed);
    if (inTurn) [from, to] = [to, from];
  }
  took.sort((a, b) => a - b);
  const at = (percent) => took[Math.floor(took.length * percent / 100)];
  const figure = (inTurn ? 'ping-pong' : 'one way') + (stored ? ', stored' : '');
  return { subject: 'libsignal', figure, size, samples: took.length, median_ns: at(50), p90_ns: at(90), p99_ns: at(99) };
}

const figures = [];
for (const size of SIZES) {
  for (const stored of [false, true]) {
    for (const inTurn of [false, true]) figures.push(await measure(inTurn, stored, size));
  }
}
console.log(JSON.stringify(figures));
