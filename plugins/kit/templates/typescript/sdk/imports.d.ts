// What the server does for a plugin. Secrets are handles: the server puts the values in their place.

declare module "qianpu:channel/crypto@0.1.0" {
  export type Hash = "md5" | "sha1" | "sha256" | "sha512";
  export type Piece = { tag: "bytes"; val: Uint8Array } | { tag: "secret"; val: string };
  export type Key = { secret: string; form: "utf8" | "hex" | "base64" };
  export type Vector = { tag: "bytes"; val: Uint8Array } | { tag: "key-prefix" };
  export function digest(hash: Hash, pieces: Piece[], sorted: boolean): Uint8Array;
  export function hmac(hash: Hash, key: Key, pieces: Piece[]): Uint8Array;
  export function aesCbcOpen(key: Key, vector: Vector, data: Uint8Array): Uint8Array;
  export function aesCbcSeal(key: Key, vector: Vector, data: Uint8Array): Uint8Array;
  export function equal(a: Uint8Array, b: Uint8Array): boolean;
}

declare module "qianpu:channel/log@0.1.0" {
  export function write(level: "debug" | "info" | "warn" | "error", message: string): void;
}
