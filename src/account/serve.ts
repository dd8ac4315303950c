import type { Endpoint } from '../endpoint/endpoint.js'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { idOfOne, parsePeer } from '../keys/peer.js'
import type { SecretKey } from '../keys/secret-key.js'
import type { RequestContext } from '../rpc/request-context.js'
import { warnOnce } from '../util/warn.js'
import type { AccountDraft, Alias } from './data.js'
import { groupsOf } from './groups.js'
import { acceptRedemption } from './invitations.js'
import { type Lease, signLease, verifyLease } from './lease.js'
import type { PresentedLeases } from './presented-leases.js'
import { accountProtocols } from './protocols.js'
import type { InvitationTicket } from './ticket.js'

/** The part of an account that its protocols use. */
export interface Served {
  readonly key: SecretKey | undefined
  readonly leaseTime: number
  readonly leases: PresentedLeases
  readonly data: () => AccountDraft
  readonly change: <Result>(change: (draft: AccountDraft) => Result) => Promise<Result>
  readonly recompile: () => void
}

/** Maximum length of a message of these protocols. */
const maxBytes = 64 * 1024

/** Serves the protocols of an account. Its policy controls access to them. */
export function serveAccount(endpoint: Endpoint, served: Served): readonly Listener[] {
  const options = { maxBytes, maxRequestsPerPeer: 4, onError: report }
  const { key } = served
  const listeners = [
    endpoint.serve(accountProtocols.invite, (input, context) => redeem(served, fields(input), context), options),
    endpoint.serve(accountProtocols.present, (input, context) => present(served, fields(input), context), options)
  ]
  if (key === undefined) return listeners
  const lease = (_: unknown, { remoteId52 }: RequestContext) => issue(served, key, remoteId52)
  return [...listeners, endpoint.serve(accountProtocols.lease, lease, options)]
}

/** The caller gets its own errors. Only local failures are reported here. */
function report(error: unknown): void {
  const expected = ['ERR_UNAUTHORIZED', 'ERR_INVALID_ARGUMENT', 'ERR_PEER_ADDRESS', 'ERR_BUSY', 'ERR_CLOSED']
  if (isFastnNetError(error) && expected.includes(error.code)) return
  warnOnce(error, 'ERR_ACCOUNT', message => `a request to the account failed: ${message}`)
}

type Fields = Readonly<Partial<Record<string, unknown>>>

function fields(input: unknown): Fields {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Fields
  throw new FastnNetError('ERR_INVALID_ARGUMENT', 'the request is not a JSON object')
}

async function redeem({ change }: Served, { secret, addresses, relays }: Fields, { remoteId52 }: RequestContext) {
  const list = (value: unknown) => (Array.isArray(value) ? value.filter(each => typeof each === 'string') : [])
  const peer: Alias = { id52: remoteId52, addresses: list(addresses), relays: list(relays) }
  await change(draft => acceptRedemption(draft, secret, peer, Date.now()))
  return { status: 'accepted' }
}

/** Redeems an invitation at the peer that made it, and returns its address. */
export async function redeemed(
  endpoint: Endpoint,
  { ticket, secret }: InvitationTicket,
  settings: { timeout: number; signal: AbortSignal | undefined }
): Promise<Alias> {
  const { addresses, relays } = endpoint.address()
  try {
    const input = { secret, addresses: addresses.slice(0, 32), relays: relays.slice(0, 32) }
    await endpoint.call(ticket, accountProtocols.invite, input, { ...settings, idempotent: true })
  } catch (error) {
    // Without an open invitation, the endpoint refuses unknown peers. With one, the account refuses a wrong secret.
    if (!isRefusal(error)) throw error
    const message = 'the invitation is unknown, used, revoked or expired: ask for a new one'
    throw new FastnNetError('ERR_UNAUTHORIZED', message, { peer: error.peer, cause: error, phase: 'redeem' })
  }
  return parsePeer(ticket)
}

/** Whether the account, or the policy of its endpoint, refused a request. */
function isRefusal(error: unknown): error is FastnNetError {
  if (!isFastnNetError(error)) return false
  const { code, remoteCode, errorCode } = error
  if (code === 'ERR_REMOTE') return remoteCode === 'ERR_UNAUTHORIZED'
  return code === 'ERR_UNAUTHORIZED' || (code === 'ERR_STREAM_RESET' && errorCode === revoked)
}

/** Error code of a stream that a policy change ends. */
const revoked = 0x105

/** Signs a lease for a device of this account. */
function issue({ data, leaseTime }: Served, key: SecretKey, id52: string): Lease {
  const { devices } = data()
  const device = Object.hasOwn(devices, id52) ? devices[id52] : undefined
  if (device === undefined) throw new FastnNetError('ERR_UNAUTHORIZED', 'this endpoint is not a device of the account')
  const from = Math.floor(Date.now() / 1_000)
  return signLease(key, { device: id52, scope: device.scope, from, until: from + Math.floor(leaseTime / 1_000) })
}

/** A device presents its lease, or an account ends one. */
function present({ data, leases, recompile }: Served, { lease, ended }: Fields, { remoteId52 }: RequestContext) {
  const now = Date.now()
  if (typeof ended === 'string') {
    if (!isKnown(data(), remoteId52)) throw new FastnNetError('ERR_UNAUTHORIZED', 'this account is unknown here')
    if (leases.end(remoteId52, idOfOne(ended, 'ended'), now)) recompile()
    return { status: 'ended' }
  }
  const shown = verifyLease(lease as Lease)
  if (shown.device !== remoteId52) throw new FastnNetError('ERR_UNAUTHORIZED', 'the lease is of another device')
  if (!isKnown(data(), shown.account))
    throw new FastnNetError('ERR_UNAUTHORIZED', 'the account of the lease is unknown here')
  if (leases.add(shown, now)) recompile()
  return { status: 'accepted', until: shown.until }
}

/** Whether an account has an alias, is in a group, or is named by a rule. */
function isKnown(data: AccountDraft, id52: string): boolean {
  const hasAlias = Object.values(data.aliases).some(alias => alias.id52 === id52)
  return hasAlias || groupsOf(data, id52).length > 0 || data.rules.some(({ who }) => who === id52 || who.includes(id52))
}
