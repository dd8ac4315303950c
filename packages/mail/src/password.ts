import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { invalid } from './options.js'

// 16 MiB and about 50 ms each, as OWASP recommends for interactive logins.
const cost = { N: 2 ** 14, r: 8, p: 5 }
const bytes = 32

/**
 * Hashes a password with scrypt, for {@link MailUser.password}. The text contains salt and costs: `scrypt$N$r$p$salt$key`.
 *
 * @example
 * const users = { ada: { password: await hashPassword('correct horse battery staple') } }
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), key.toString('base64')].join('$')
}

/** Verifies a password in constant time. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const { salt, key, N, r, p } = parse(hash)
  return timingSafeEqual(await derive(password, salt, { N, r, p }), key)
}

/**
 * Checks the form of a hash.
 *
 * @throws {MailError} `ERR_INVALID_ARGUMENT`. The message does not contain the hash.
 */
export function checkHash(hash: string, what: string): void {
  try {
    parse(hash)
  } catch {
    throw invalid(`${what} must be a result of hashPassword()`)
  }
}

function parse(hash: string): { N: number; r: number; p: number; salt: Buffer; key: Buffer } {
  const [name, N, r, p, salt, key] = hash.split('$')
  const found = { N: Number(N), r: Number(r), p: Number(p) }
  const isFine = name === 'scrypt' && found.N <= 2 ** 20 && found.r <= 32 && found.p <= 32
  if (!isFine || salt === undefined || key === undefined) throw invalid('this is no hash of a password')
  const read = Buffer.from(key, 'base64')
  if (read.length !== bytes) throw invalid('this is no hash of a password')
  return { ...found, salt: Buffer.from(salt, 'base64'), key: read }
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  const maxmem = 256 * (options.N ?? 0) * (options.r ?? 0)
  return new Promise((resolve, reject) => {
    // Normalised as in RFC 4013, because clients send different Unicode forms.
    scrypt(password.normalize('NFKC'), salt, bytes, { ...options, maxmem }, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}
