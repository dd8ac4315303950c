import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FastnNetError } from '../errors.js'
import { replaceFile } from '../util/replace-file.js'

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const dayMs = 86_400_000
/** Apple's programs accept at most 825 days. */
const validDays = 800
/** A certificate that expires sooner is replaced. */
const leftDays = 30

/**
 * Returns the machine's self-signed certificate for `localhost`: mail clients require TLS even for local servers. Created once and stored,
 * because clients remember it. ECDSA P-256. Renewed 30 days before it expires.
 */
export async function localCertificate(folder: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, 'localhost.crt'), join(folder, 'localhost.key')]
  const [cert, key] = await Promise.all([certFile, keyFile].map(file => readFile(file, 'utf8').catch(() => '')))
  if (cert !== undefined && key !== undefined && isGood(cert, key)) return { cert, key }
  const made = createCertificate(new Date())
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await replaceFile(keyFile, made.key)
    await replaceFile(certFile, made.cert)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new FastnNetError('ERR_FILE', `cannot write the certificate '${certFile}': ${code}`, {
      phase: 'rig',
      cause: error
    })
  }
  return made
}

function isGood(cert: string, key: string): boolean {
  try {
    const found = new X509Certificate(cert)
    return found.checkPrivateKey(createPrivateKey(key)) && Date.parse(found.validTo) - Date.now() > leftDays * dayMs
  } catch {
    return false
  }
}

/** Creates a certificate for `localhost`, 127.0.0.1 and ::1. It is valid from the day before, because clocks differ. */
export function createCertificate(now: Date): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(oid('550403'), tagged(0x0c, Buffer.from('localhost')))))
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const start = new Date(now.getTime() - dayMs)
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    // Positive, and of minimal length as DER requires.
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(start), time(new Date(start.getTime() + validDays * dayMs))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions()))
  )
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' })
  const der = sequence(body, algorithm, bits(signature))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }
}

/** RFC 5280, section 4.2. */
function extensions(): Buffer[] {
  const names = sequence(
    tagged(0x82, Buffer.from('localhost')),
    tagged(0x87, Buffer.of(127, 0, 0, 1)),
    tagged(0x87, Buffer.concat([Buffer.alloc(15), Buffer.of(1)]))
  )
  const critical = tagged(0x01, Buffer.of(0xff))
  return [
    // Not a certificate authority.
    sequence(oid('551d13'), critical, tagged(0x04, sequence())),
    // Digital signature.
    sequence(oid('551d0f'), critical, tagged(0x04, tagged(0x03, Buffer.of(7, 0x80)))),
    // TLS server authentication.
    sequence(oid('551d25'), tagged(0x04, sequence(oid('2b06010505070301')))),
    sequence(oid('551d11'), tagged(0x04, names))
  ]
}

// The subset of DER (X.690) for a certificate.

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 128
      ? Buffer.of(length)
      : length < 256
        ? Buffer.of(0x81, length)
        : Buffer.of(0x82, length >> 8, length & 0xff)
  return Buffer.concat([Buffer.of(tag), size, content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts)
}

function set(...parts: readonly Buffer[]): Buffer {
  return tagged(0x31, ...parts)
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes)
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'))
}

function bits(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.of(0), bytes)
}

/** Two-digit years until 2050, as RFC 5280 requires. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}
