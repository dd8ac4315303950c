// The bytes of leases and invitations.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { type Lease, parseInvitation, verifyLease } from 'fastn-net/account'
import { isCurrent, signLease } from '../../dist/modules/account/lease.js'
import { formatInvitation, hashOf, newSecret } from '../../dist/modules/account/ticket.js'
import { SecretKey } from '../../dist/modules/keys/secret-key.js'

interface Golden {
  readonly leases: readonly { readonly key: string; readonly lease: Lease }[]
  readonly invalidLeases: readonly { readonly what: string; readonly change: Partial<Record<keyof Lease, unknown>> }[]
  readonly invitations: readonly {
    readonly text: string
    readonly secret: string
    readonly hash: string
    readonly until: number
    readonly ticket: string
  }[]
  readonly invalidInvitations: readonly string[]
}

const golden = JSON.parse(readFileSync(new URL('../../__test__/wire/account.json', import.meta.url), 'utf8')) as Golden

test('leases are signed and verified like in the golden file', t => {
  for (const { key, lease } of golden.leases) {
    const { device, scope, from, until } = lease
    t.deepEqual(signLease(SecretKey.from(key), { device, scope, from, until }), lease)
    t.deepEqual(verifyLease(lease), lease)
  }
})

test('a changed or malformed lease is rejected', t => {
  const [first] = golden.leases
  for (const { what, change } of golden.invalidLeases) {
    const error = t.throws(() => verifyLease({ ...first?.lease, ...change } as Lease), undefined, what)
    const codes = ['ERR_UNAUTHORIZED', 'ERR_INVALID_ARGUMENT', 'ERR_PEER_ADDRESS']
    t.true(codes.includes((error as { code?: string }).code ?? ''), `${what}: ${error}`)
  }
  for (const value of [null, undefined, 1, 'x', [], {}]) t.throws(() => verifyLease(value as never))
})

test('a lease is current from a minute before it begins until it ends', t => {
  const lease = { device: '', account: '', scope: '*', from: 1_000, until: 2_000 } as const
  const at = (seconds: number) => isCurrent(lease, seconds * 1_000)
  t.deepEqual([939, 940, 1_500, 1_999, 2_000].map(at), [false, true, true, true, false])
})

test('invitations are parsed and written like in the golden file', t => {
  for (const { text, secret, hash, until, ticket } of golden.invitations) {
    t.deepEqual(parseInvitation(` ${text}\n`), { secret, until, ticket })
    t.is(formatInvitation({ secret, until, ticket }), text)
    t.is(hashOf(secret), hash)
  }
  for (const text of golden.invalidInvitations) {
    const error = t.throws(() => parseInvitation(text), { code: 'ERR_INVALID_ARGUMENT' }, text)
    const secret = text.split('.')[1] ?? ''
    t.false(secret.length > 8 && error.message.includes(secret), 'the message does not repeat the secret')
  }
})

test('secrets have 128 bits and do not repeat', t => {
  const secrets = new Set(Array.from({ length: 1_000 }, newSecret))
  t.is(secrets.size, 1_000)
  for (const secret of secrets) t.is(Buffer.from(secret, 'base64url').length, 16)
})
