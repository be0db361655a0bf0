import type { DbConfig, SecurityConfig } from '../model/subtask-config.js';
import type { Section } from './section.js';
import { CODES } from '../errors/codes.js';

/** `from` of a source file or `target-database` of a task file. The password stays as typed. */
export function readDbConfig(section: Section, defaults: { port: number }): DbConfig {
  const host = section.string('host');
  const config: DbConfig = {
    host,
    port: section.int('port', defaults.port, { min: 1, max: 65535 }),
    user: section.string('user'),
    password: section.string('password'),
    maxAllowedPacket: section.int('max-allowed-packet', 0),
    session: section.stringMap('session'),
  };
  const security = section.section('security');
  if (security) {
    const read = readSecurity(security);
    if (Object.keys(read).length > 0) config.security = read;
    security.end();
  }
  if (host === '') throw section.missing(CODES.configYamlTransform, 'host must be set', 'host');
  section.end();
  return config;
}

/** TLS files; keys that are empty are left out. */
export function readSecurity(section: Section): SecurityConfig {
  const result: SecurityConfig = {};
  const ca = section.string('ssl-ca');
  const cert = section.string('ssl-cert');
  const key = section.string('ssl-key');
  const names = section.stringsOrCommas('cert-allowed-cn') ?? [];
  const caBase64 = section.string('ssl-ca-base64');
  const certBase64 = section.string('ssl-cert-base64');
  const keyBase64 = section.string('ssl-key-base64');
  if (ca !== '') result.sslCa = ca;
  if (cert !== '') result.sslCert = cert;
  if (key !== '') result.sslKey = key;
  if (names.length > 0) result.certAllowedCn = names;
  if (caBase64 !== '') result.sslCaBase64 = caBase64;
  if (certBase64 !== '') result.sslCertBase64 = certBase64;
  if (keyBase64 !== '') result.sslKeyBase64 = keyBase64;
  return result;
}
