// Generated from src/account/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { AccessDecision, ExplainOptions } from './index.js';
import { Endpoint } from './index.js';
import { Protocol } from './index.js';
import { PeerAddress, Peer } from './index.js';
import { SecretKey } from './index.js';
import { PolicyEffect } from './index.js';

/** A peer that the account knows by a name. */
interface Alias {
    /** ID52 of the peer. */
    readonly id52: string;
    /** Socket addresses, `address:port`. Default: none; the network looks them up. */
    readonly addresses?: readonly string[] | undefined;
    /** Relay URLs. Default: none. */
    readonly relays?: readonly string[] | undefined;
}
/**
 * Subject of a rule: an alias, a group, an ID52, several of them, `'devices'` for the devices of the account itself, or `'everyone'`.
 *
 * A device that acts for a peer by a lease counts as that peer, within the scope of the lease.
 */
type Who = 'everyone' | 'devices' | (string & Record<never, never>) | readonly string[];
/** A rule of an account. Of several rules that match a stream, the first decides. Without a match, the stream is refused. */
interface AccountRule {
    /** Subject of the rule. */
    readonly who: Who;
    /** The protocol, as in `PolicyRule.protocol`. Default: every protocol. */
    readonly protocol?: Protocol | undefined;
    /** Name of a service, as in `PolicyRule.service`. Default: every stream. */
    readonly service?: string | undefined;
    /** Effect on the stream. */
    readonly effect: PolicyEffect;
}
/** A device of the account. */
interface Device {
    /** Name of the device. */
    readonly name: string;
    /** Its permissions at other peers, on behalf of the account: see {@link LeaseScope}. */
    readonly scope: LeaseScope;
}
/**
 * Permissions of a device at other peers, on behalf of its account: `'*'`, or protocols and services that it may use there, such as
 * `['Chat', 'service:web']`. Printable ASCII without `"`, `\` and spaces.
 */
type LeaseScope = '*' | readonly string[];
/** An invitation, as its account keeps it. The secret is not kept, only its hash. */
interface StoredInvitation {
    /** Alias of the peer that redeems it. With several uses, the second gets `name-2`. */
    readonly name: string;
    /** Groups that the peer joins. */
    readonly groups: readonly string[];
    /** How many peers may still redeem it. */
    readonly uses: number;
    /** When it expires, in milliseconds as from `Date.now()`. */
    readonly until: number;
    /** ID52s of the peers that redeemed it. */
    readonly redeemed: readonly string[];
}
/** Data of an account, as JSON. */
interface AccountData {
    /** Peers by name. */
    readonly aliases: Readonly<Record<string, Alias>>;
    /** Groups by name: aliases, other groups and ID52s. */
    readonly groups: Readonly<Record<string, readonly string[]>>;
    /** The rules, in order. */
    readonly rules: readonly AccountRule[];
    /** Devices of the account, by ID52. */
    readonly devices: Readonly<Record<string, Device>>;
    /** Open invitations, by the SHA-256 of their secret in hex. */
    readonly invitations: Readonly<Record<string, StoredInvitation>>;
}
/** {@link AccountData} to change: see {@link Account.update}. */
interface AccountDraft {
    /** Peers by name. */
    aliases: Record<string, Alias>;
    /** Groups by name: aliases, other groups and ID52s. */
    groups: Record<string, string[]>;
    /** The rules, in order. */
    rules: AccountRule[];
    /** Devices of the account, by ID52. */
    devices: Record<string, Device>;
    /** Open invitations, by the SHA-256 of their secret in hex. Make one with {@link Account.invite}. */
    invitations: Record<string, StoredInvitation>;
}

/**
 * Where an account keeps its data. {@link fileStore} and {@link memoryStore} are built in; a database is another. One account uses a store
 * at a time.
 */
interface AccountStore {
    /** Opens the store, so that no other program uses it, and returns what {@link save} was given last; `undefined` for a new account. */
    open(): Promise<AccountData | undefined>;
    /**
     * Keeps all of the data. When the promise resolves, the data must survive a crash; when it rejects, the data kept before must. Calls never
     * overlap.
     */
    save(data: AccountData): Promise<void>;
    /** Lets other programs use the store. */
    close(): Promise<void>;
}
/**
 * Keeps an account in memory, for tests and for accounts that end with the program.
 *
 * @param data What the account begins with. Default: nothing.
 *
 * @example
 * const account = await openAccount(endpoint, { store: memoryStore() })
 */
declare function memoryStore(data?: AccountData): AccountStore;

/** How a call to another account waits. */
interface CallSettings {
    /** Time until the answer, in milliseconds. Default: 10 s. */
    timeout?: number | undefined;
    /** Ends the wait, which rejects with its reason. */
    signal?: AbortSignal | undefined;
}
/** Options of {@link openAccount}. */
interface AccountOptions {
    /** Where the account is kept: {@link fileStore}, {@link memoryStore}, or a store of the program. */
    store: AccountStore;
    /** Key of the endpoint, which signs the leases of devices. Default: none; the account then has no devices. */
    key?: SecretKey | undefined;
    /**
     * How long a lease is valid, in milliseconds: how long a removed device can still use other peers that were not told. At least 1 minute,
     * at most 31 days. Default: 1 hour.
     */
    leaseTime?: number | undefined;
}
/** Options of {@link Account.redeem}. */
interface RedeemOptions extends CallSettings {
    /** Alias of the peer that invites, here, and no group. If another peer has it, `name-2`, `name-3` and so on. */
    name: string;
    /** Groups of this account that the peer joins, which must exist. Default: none. */
    groups?: readonly string[] | undefined;
}

/** Claims of a lease: a device acts for an account. */
interface LeaseClaims {
    /** ID52 of the device. */
    readonly device: string;
    /** ID52 of the account. */
    readonly account: string;
    /** Permissions of the device. */
    readonly scope: LeaseScope;
    /** From when on, in seconds since 1970. */
    readonly from: number;
    /** Until when, in seconds since 1970. */
    readonly until: number;
}
/** A lease, signed by the account's key. Plain JSON. */
interface Lease extends LeaseClaims {
    /** Ed25519 signature of the other members by the account's key, as 128 lower-case hex digits. */
    readonly signature: string;
}
/**
 * Checks the form and the signature of a lease, which may come from a peer, and returns it. Does not look at the clock.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is no lease. `ERR_UNAUTHORIZED` if the signature is not the account's.
 *
 * @example
 * const { account, device, scope, until } = verifyLease(JSON.parse(text))
 */
declare function verifyLease(lease: Lease): Lease;

/** Identity of a peer: result of {@link Account.identify}. */
interface Identity {
    /** ID52 of the peer. */
    readonly id52: string;
    /** Its alias; `undefined` for a peer without one. */
    readonly alias: string | undefined;
    /** Groups that it is in, directly or through other groups. Sorted. */
    readonly groups: readonly string[];
    /** Name of the device, if it is one of this account. */
    readonly device: string | undefined;
    /** Leases by which it acts for other peers. */
    readonly actsFor: readonly LeaseClaims[];
}
/** Why a stream of a peer is accepted or refused: result of {@link Account.explain}. */
interface Explanation extends Omit<AccessDecision, 'rule' | 'by'> {
    /**
     * What decides: a `'rule'` of the account or the program, the `'account'` itself for its own protocols, `'otherwise'` if no rule matches, or the
     * `'allow'` or `'deny'` list of the endpoint. `'nothing'` once another part of the program has removed the policy.
     */
    readonly by: AccessDecision['by'] | 'account';
    /** The rule. `index` is its place in {@link AccountData.rules}; `undefined` for a rule of the program: {@link Account.setProgramRules}. */
    readonly rule: AccountRule | undefined;
    /** The lease by which the rule applies, if it is for the account of a device. */
    readonly lease: LeaseClaims | undefined;
    /** All of this as one sentence, for people. */
    readonly text: string;
}

/** Options of {@link Account.invite}. */
interface InviteOptions {
    /** Alias that the peer gets here, and no group. If another peer has it, the peer gets `name-2`, `name-3` and so on. */
    name: string;
    /** Groups of this account that the peer joins, which must exist. Default: none. */
    groups?: readonly string[] | undefined;
    /** How many peers may redeem it, at most 10,000. Default: 1. */
    uses?: number | undefined;
    /** How long it is valid, in milliseconds, at most 366 days. Default: 7 days. */
    expiresIn?: number | undefined;
}
/** Result of {@link Account.invite}. */
interface Invitation {
    /** The invitation as text, for {@link Account.redeem} at the other side. Holds a secret: hand it over on a trusted way. */
    readonly text: string;
    /** Names the invitation here: the key in {@link AccountData.invitations}, for {@link Account.revokeInvitation}. */
    readonly id: string;
    /** When it expires, in milliseconds as from `Date.now()`. */
    readonly until: number;
}

/**
 * Opens an account: the peers that an endpoint knows, and what each of them may do there. From then on its rules are the policy of the
 * endpoint (`endpoint.access.setPolicy`), and nothing but what they allow is accepted. Serves the protocols DeviceToAccount and
 * AccountToAccount and those of invitations.
 *
 * @throws {FastnNetError} `ERR_BUSY` if the account is open elsewhere. `ERR_FILE` if it cannot be read. `ERR_PROTOCOL_IN_USE` if the
 * endpoint has an account or serves one of those protocols. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED`.
 *
 * @example
 * await using account = await openAccount(endpoint, { store: fileStore('account.json') })
 * await account.update(draft => {
 *   draft.groups.friends ??= []
 *   draft.rules = [{ who: 'friends', protocol: 'Chat', effect: 'allow' }]
 * })
 */
declare function openAccount(endpoint: Endpoint, options: AccountOptions): Promise<Account>;
/** Peers that an endpoint knows, and what they may do. Opened by {@link openAccount}. */
declare class Account implements AsyncDisposable {
    #private;
    private constructor();
    /** Data of the account. A snapshot: {@link update} changes it. */
    get data(): AccountData;
    /**
     * Changes the account. The change is complete or does not happen: it is checked, then applied to the endpoint, then saved. What it no
     * longer allows ends before it is saved. If it cannot be saved, the account is as before. Changes run one after the other.
     *
     * @param change Changes the draft, which is a copy. Synchronous. If it throws, nothing changes.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`: a name, a cycle of groups, an unknown member, or a rule that no stream can match.
     * `ERR_PEER_ADDRESS`. `ERR_TOO_LARGE`. `ERR_FILE` if it cannot be saved. `ERR_CLOSED`.
     *
     * @example
     * await account.update(draft => {
     *   draft.aliases.alice = { id52 }
     *   draft.groups.friends = ['alice']
     * })
     */
    update(change: (draft: AccountDraft) => void): Promise<void>;
    /**
     * Rules of the program itself, such as those of the services that it was configured with. They are behind the rules of the account, and are
     * not kept: the next call replaces them. A name that the account does not know matches no peer until the account knows it.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; the rules are then those of before. `ERR_PEER_ADDRESS`. `ERR_TOO_LARGE`. `ERR_CLOSED`.
     *
     * @example
     * account.setProgramRules([{ who: 'friends', protocol: 'Http', service: 'photos', effect: 'allow' }])
     */
    setProgramRules(rules: readonly AccountRule[]): void;
    /**
     * Address of a peer that this account knows, for {@link Endpoint.getStream} and other calls.
     *
     * @param name An alias, or an ID52.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown alias. `ERR_PEER_ADDRESS`.
     *
     * @example
     * await endpoint.call(account.peer('alice'), 'Chat', 'hello')
     */
    peer(name: string): PeerAddress;
    /** Identity of a peer: its alias, its groups, and the peers that it acts for. Use it with `stream.remoteId52` and `context.remoteId52`. */
    identify(peer: Peer): Identity;
    /**
     * Tells what happens to a stream that a peer opens, and which rule decides that. Counts nothing.
     *
     * @param peer An alias, an ID52, or another {@link Peer}.
     * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED` if the endpoint was released after closing.
     *
     * @example
     * console.log(account.explain('alice', 'Tcp', { service: 'db' }).text)
     */
    explain(peer: Peer, protocol: Protocol, options?: ExplainOptions): Explanation;
    /**
     * Invites a peer, or several. The text lets them become known to this account. Until it is used, revoked or expired, strangers may
     * connect to this endpoint to redeem invitations, and for nothing else.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_TOO_LARGE` with too many invitations. `ERR_FILE`. `ERR_CLOSED`.
     *
     * @example
     * const { text } = await account.invite({ name: 'alice', groups: ['friends'] })
     */
    invite(options: InviteOptions): Promise<Invitation>;
    /**
     * Revokes an invitation. Peers that have redeemed it stay known. Returns whether there was one.
     *
     * @throws {FastnNetError} `ERR_FILE`. `ERR_CLOSED`.
     */
    revokeInvitation(id: string): Promise<boolean>;
    /**
     * Redeems an invitation: the inviting account records this endpoint, and this account records the other. Calling it again after a lost
     * answer is safe, unless the inviting account has forgotten this endpoint since.
     *
     * @returns The alias of the peer here. A peer that has one keeps it.
     * @throws {FastnNetError} `ERR_UNAUTHORIZED` if the invitation is unknown, used, revoked or expired. `ERR_INVALID_ARGUMENT`. `ERR_FILE`.
     * The errors of {@link Endpoint#call}.
     *
     * @example
     * const alias = await account.redeem(text, { name: 'bob', groups: ['friends'] })
     */
    redeem(text: string, options: RedeemOptions): Promise<string>;
    /**
     * Adds a device, which may then get leases: see {@link holdLease}.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; also if the account was opened without its key. `ERR_PEER_ADDRESS`. `ERR_FILE`.
     *
     * @example
     * await account.addDevice(phoneId52, { name: 'phone', scope: ['Chat'] })
     */
    addDevice(device: Peer, { name, scope }: {
        name: string;
        scope?: Device['scope'];
    }): Promise<void>;
    /**
     * Removes a device: it gets no lease any more, and what only devices may do here ends at once. Its last lease is valid at other peers until
     * it expires; the peers in `tell` and the device get a request to end it now.
     *
     * @param options `tell`: aliases, groups and ID52s of peers to tell. Default: none. `timeout` for each, in milliseconds. Default: 10 s.
     * @returns ID52s of the peers that could not be told.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`. `ERR_FILE`. `ERR_CLOSED`.
     */
    removeDevice(device: Peer, options?: CallSettings & {
        tell?: readonly string[];
    }): Promise<string[]>;
    /** Ends the account's listeners and lets other programs open it. The endpoint keeps the policy. Idempotent. */
    close(): Promise<void>;
    /** Same as {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Keeps an account in a JSON file, readable by its owner only (mode 0600). The folder must exist.
 *
 * Each change writes a new file, flushes it to disk (fsync), and renames it over the old one: after a crash or with a full disk, the file
 * holds the account before or after the change. A file that cannot be read as an account is left as it is. A second file, with `.lock`
 * behind the name, keeps other programs out while the account is open.
 *
 * Errors of `openAccount` and of changes: `ERR_BUSY` if the account is open elsewhere; `ERR_FILE` if the file cannot be read or written, or
 * holds no account.
 *
 * @param path Path of the file. A missing file is a new account.
 *
 * @example
 * const account = await openAccount(endpoint, { store: fileStore('account.json') })
 */
declare function fileStore(path: string): AccountStore;

/**
 * Gets a lease from an account, for this endpoint as its device, and renews it by itself after half of its time. Serves AccountToDevice, by
 * which the account ends it; an endpoint with a policy must let the account use that. Does not keep the process alive.
 *
 * @throws {FastnNetError} `ERR_UNAUTHORIZED` if this endpoint is no device of the account. `ERR_PROTOCOL_IN_USE` if this endpoint holds a
 * lease already. The errors of {@link Endpoint#call}.
 *
 * @example
 * await using lease = await holdLease(endpoint, accountTicket)
 * const answer = await lease.use(bob, () => endpoint.call(bob, 'Chat', 'hello'))
 */
declare function holdLease(endpoint: Endpoint, account: Peer, options?: CallSettings): Promise<HeldLease>;
/** A lease that this endpoint holds as a device of an account. Made by {@link holdLease}. */
declare class HeldLease implements AsyncDisposable {
    #private;
    private constructor();
    /** The lease; `undefined` once the account has ended it, or if it expired because the account could not be reached. */
    get current(): Lease | undefined;
    /**
     * Shows the lease to a peer, which then lets this device do what the account may do there, within the scope. {@link use} does so where
     * it is needed.
     *
     * @throws {FastnNetError} `ERR_UNAUTHORIZED` without a valid lease, or if the peer does not know the account. The errors of
     * {@link Endpoint#call}.
     */
    present(peer: Peer, options?: CallSettings): Promise<void>;
    /**
     * Calls a function that uses a peer. Shows the peer the lease before, unless it has seen it, and once more if the function fails with
     * `ERR_UNAUTHORIZED` because the peer has forgotten it: the function is then called again.
     *
     * @throws {FastnNetError} Those of {@link present}, and what the function throws.
     */
    use<Result>(peer: Peer, call: () => Promise<Result>, options?: CallSettings): Promise<Result>;
    /** Renews no more. The lease stays valid at the peers that have seen it, until it expires. */
    close(): Promise<void>;
    /** Same as {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/** Content of an invitation. docs/wire.md has its text form. */
interface InvitationTicket {
    /** Ticket of the endpoint that invites. */
    readonly ticket: string;
    /** 128 bits, in base64url. */
    readonly secret: string;
    /** When the invitation expires, in milliseconds as from `Date.now()`. */
    readonly until: number;
}
/**
 * Reads the text of an invitation, as {@link Account.invite} returns it. White space around it is ignored.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is none. The message does not repeat the text, which holds a secret.
 *
 * @example
 * const { until } = parseInvitation(text)
 */
declare function parseInvitation(text: string): InvitationTicket;

export { Account, HeldLease, fileStore, holdLease, memoryStore, openAccount, parseInvitation, verifyLease };
export type { AccountData, AccountDraft, AccountOptions, AccountRule, AccountStore, Alias, CallSettings, Device, Explanation, Identity, Invitation, InvitationTicket, InviteOptions, Lease, LeaseClaims, LeaseScope, RedeemOptions, StoredInvitation, Who };
