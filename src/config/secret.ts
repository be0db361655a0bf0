import { isUtf8 } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

/**
 * DM's built-in key up to 7.x. It is public, so what it hides is hidden from a glance only; files
 * written with it keep working. A cluster's own key is given with `secret-key-path`.
 */
const PUBLIC_KEY = Buffer.from('a529b7665997f043a30ac8fadcb51d6aa032c226ab5b7750530b12b8c1a16a48', 'hex');
const IV_BYTES = 16;
const SEPARATOR = 0x40;

/** What is shown in the place of a password (manual, get-config). */
export const MASKED = '*****';

/** Passwords in files may be plain or encrypted by `dmctl encrypt`. */
export interface Secrets {
  /** base64(IV '@' AES-256-CFB ciphertext), DM's form. '' stays ''. */
  encrypt(plain: string): string;
  /** The plain text of what `encrypt` made; null when it was not, or with another key. */
  decrypt(text: string): string | null;
  /** The password that a file's text stands for: decrypted where it can be, else as it is. */
  reveal(text: string): string;
}

/** `key` is 32 bytes; without it DM's public key is used. */
export function createSecrets(key: Uint8Array = PUBLIC_KEY): Secrets {
  const secrets: Secrets = {
    encrypt(plain) {
      if (plain === '') return '';
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-cfb', key, iv);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, Buffer.of(SEPARATOR), body]).toString('base64');
    },
    decrypt(text) {
      if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length <= IV_BYTES || bytes[IV_BYTES] !== SEPARATOR) return null;
      const decipher = createDecipheriv('aes-256-cfb', key, bytes.subarray(0, IV_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + 1)), decipher.final()]);
      // Any key decrypts anything to something; what is no text was made with another key.
      return isUtf8(plain) ? plain.toString('utf8') : null;
    },
    reveal: (text) => secrets.decrypt(text) ?? text,
  };
  return secrets;
}

/** Secrets with the key in a file of 64 hex digits; with no path, DM's public key. */
export function loadSecrets(secretKeyPath: string): Secrets {
  if (secretKeyPath === '') return createSecrets();
  let text: string;
  try {
    text = readFileSync(secretKeyPath, 'utf8').trim();
  } catch (cause) {
    throw new DmError(CODES.configSecretKeyPath, `invalid secret-key-path ${secretKeyPath}`, { cause });
  }
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new DmError(CODES.configSecretKeyPath, `invalid secret-key-path ${secretKeyPath}`, {
      rawCause: 'the file must hold a key of 64 hexadecimal digits',
    });
  }
  return createSecrets(Buffer.from(text, 'hex'));
}
