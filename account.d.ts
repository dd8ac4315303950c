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
/** An invitation as stored by its account: the hash of the secret, not the secret. */
interface StoredInvitation {
    /** Alias of the peer that redeems it. With several uses, the second gets `name-2`. */
    readonly name: string;
    /** Groups that the peer joins. */
    readonly groups: readonly string[];
    /** How many peers may still redeem it. */
    readonly uses: number;
    /** Expiry, in milliseconds as from `Date.now()`. */
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
 * Storage of an account. {@link fileStore} and {@link memoryStore} are built in; implement it for a database. Only one account uses a store
 * at a time.
 */
interface AccountStore {
    /** Opens and locks the store. Returns the data that was last saved; `undefined` for a new account. */
    open(): Promise<AccountData | undefined>;
    /**
     * Saves all data. If the promise resolves, the data must survive a crash; if it rejects, the previous data must. Calls never overlap.
     */
    save(data: AccountData): Promise<void>;
    /** Releases the store. */
    close(): Promise<void>;
}
/**
 * Stores an account in memory, for tests and temporary accounts.
 *
 * @param data Initial data. Default: an empty account.
 *
 * @example
 * const account = await openAccount(endpoint, { store: memoryStore() })
 */
declare function memoryStore(data?: AccountData): AccountStore;

/** Timeout and signal of a call to another account. */
interface CallSettings {
    /** Time until the answer, in milliseconds. Default: 10 s. */
    timeout?: number | undefined;
    /** Cancels the call, which rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
}
/** Options of {@link openAccount}. */
interface AccountOptions {
    /** Storage of the account: {@link fileStore}, {@link memoryStore}, or a custom store. */
    store: AccountStore;
    /** Key of the endpoint, for signing leases of devices. Default: none; the account then has no devices. */
    key?: SecretKey | undefined;
    /**
     * Validity of a lease, in milliseconds. A removed device can use peers that were not notified until its lease expires. At least 1 minute,
     * at most 31 days. Default: 1 hour.
     */
    leaseTime?: number | undefined;
}
/** Options of {@link Account.redeem}. */
interface RedeemOptions extends CallSettings {
    /** Local alias for the inviting peer; not the name of a group. If another peer has it, `name-2`, `name-3` and so on. */
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
    /** Start of validity, in seconds since 1970. */
    readonly from: number;
    /** End of validity, in seconds since 1970. */
    readonly until: number;
}
/** A lease, signed by the account's key. Plain JSON. */
interface Lease extends LeaseClaims {
    /** Ed25519 signature of the other members by the account's key, as 128 lower-case hex digits. */
    readonly signature: string;
}
/**
 * Checks the form and the signature of an untrusted lease, and returns it. Does not check expiry.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is malformed. `ERR_UNAUTHORIZED` if the account did not sign it.
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
    /** Its groups, direct and indirect. Sorted. */
    readonly groups: readonly string[];
    /** Name of the device, if the peer is a device of this account. */
    readonly device: string | undefined;
    /** Leases through which it acts for other peers. */
    readonly actsFor: readonly LeaseClaims[];
}
/** Why a stream of a peer is accepted or refused: result of {@link Account.explain}. */
interface Explanation extends Omit<AccessDecision, 'rule' | 'by'> {
    /**
     * What decided: a `'rule'` of the account or the program, the `'account'` itself for its own protocols, `'otherwise'` if no rule matches, or the
     * `'allow'` or `'deny'` list of the endpoint. `'nothing'` once another part of the program has removed the policy.
     */
    readonly by: AccessDecision['by'] | 'account';
    /** The rule. `index` is its index in {@link AccountData.rules}; `undefined` for a rule of the program: {@link Account.setProgramRules}. */
    readonly rule: AccountRule | undefined;
    /** The lease through which the rule applies, for a device. */
    readonly lease: LeaseClaims | undefined;
    /** The explanation as one sentence. */
    readonly text: string;
}

/** Options of {@link Account.invite}. */
interface InviteOptions {
    /** Local alias for the peer; not the name of a group. If another peer has it, `name-2`, `name-3` and so on. */
    name: string;
    /** Groups of this account that the peer joins, which must exist. Default: none. */
    groups?: readonly string[] | undefined;
    /** How many peers may redeem it, at most 10,000. Default: 1. */
    uses?: number | undefined;
    /** Validity in milliseconds, at most 366 days. Default: 7 days. */
    expiresIn?: number | undefined;
}
/** Result of {@link Account.invite}. */
interface Invitation {
    /** The invitation as text, for {@link Account.redeem} at the peer. Contains a secret: send it over a trusted channel. */
    readonly text: string;
    /** ID of the invitation: the key in {@link AccountData.invitations}, for {@link Account.revokeInvitation}. */
    readonly id: string;
    /** When it expires, in milliseconds as from `Date.now()`. */
    readonly until: number;
}

/**
 * Opens an account: the peers that an endpoint knows, and their permissions. Its rules become the policy of the endpoint
 * (`endpoint.access.setPolicy`), which then accepts only streams that they allow. Serves the protocols DeviceToAccount and
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
/** Peers that an endpoint knows, and their permissions. Opened by {@link openAccount}. */
declare class Account implements AsyncDisposable {
    #private;
    private constructor();
    /** Data of the account. A snapshot: {@link update} changes it. */
    get data(): AccountData;
    /**
     * Changes the account atomically: checks the change, applies it to the endpoint, then saves it. Streams that it no longer allows end
     * before it is saved. If saving fails, the change is rolled back. Changes run one after the other.
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
     * Sets rules of the program, for example of configured services. They follow the rules of the account and are not stored; the next call
     * replaces them. An unknown name matches no peer until the account knows it.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; the previous rules then stay. `ERR_PEER_ADDRESS`. `ERR_TOO_LARGE`. `ERR_CLOSED`.
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
    /** Returns a peer's alias, its groups, and the peers that it acts for. Pass `stream.remoteId52` or `context.remoteId52`. */
    identify(peer: Peer): Identity;
    /**
     * Returns the decision for a stream of a peer, and the rule that decides. Does not consume rates.
     *
     * @param peer An alias, an ID52, or another {@link Peer}.
     * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED` if the endpoint was released after closing.
     *
     * @example
     * console.log(account.explain('alice', 'Tcp', { service: 'db' }).text)
     */
    explain(peer: Peer, protocol: Protocol, options?: ExplainOptions): Explanation;
    /**
     * Creates an invitation for one peer or several. Until it is used, revoked or expired, unknown peers may connect to this endpoint to redeem
     * invitations, but may not use any service.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_TOO_LARGE` with too many invitations. `ERR_FILE`. `ERR_CLOSED`.
     *
     * @example
     * const { text } = await account.invite({ name: 'alice', groups: ['friends'] })
     */
    invite(options: InviteOptions): Promise<Invitation>;
    /**
     * Revokes an invitation. Peers that have redeemed it stay known. Returns whether it existed.
     *
     * @throws {FastnNetError} `ERR_FILE`. `ERR_CLOSED`.
     */
    revokeInvitation(id: string): Promise<boolean>;
    /**
     * Redeems an invitation: the inviting account records this endpoint, and this account records the other. Safe to repeat after a lost
     * answer, unless the inviting account has forgotten this endpoint since.
     *
     * @returns Local alias of the peer. A known peer keeps its alias.
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
     * Removes a device: it gets no new lease, and permissions that only devices have here end immediately. Its last lease stays valid at other
     * peers until it expires; this call asks the peers in `tell` and the device to end it now.
     *
     * @param options `tell`: aliases, groups and ID52s of peers to notify. Default: none. `timeout` for each, in milliseconds. Default: 10 s.
     * @returns ID52s of the peers that could not be notified.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`. `ERR_FILE`. `ERR_CLOSED`.
     */
    removeDevice(device: Peer, options?: CallSettings & {
        tell?: readonly string[];
    }): Promise<string[]>;
    /** Closes the account's listeners and releases its store. The endpoint keeps the policy. Idempotent. */
    close(): Promise<void>;
    /** Same as {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Stores an account in a JSON file, readable by its owner only (mode 0600). The folder must exist.
 *
 * Each change writes a new file, flushes it to disk (fsync), and renames it over the old one: after a crash or with a full disk, the file
 * holds the account before or after the change. A damaged file is not changed. A second file with the suffix `.lock` locks out other
 * programs while the account is open.
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
 * Gets a lease from an account, for this endpoint as its device, and renews it after half of its validity. Serves AccountToDevice, through
 * which the account ends it; a policy of this endpoint must allow the account to use that. Does not keep the process alive.
 *
 * @throws {FastnNetError} `ERR_UNAUTHORIZED` if this endpoint is not a device of the account. `ERR_PROTOCOL_IN_USE` if this endpoint already
 * holds a lease. The errors of {@link Endpoint#call}.
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
    /** The lease; `undefined` once the account has ended it, or if it expired because the account was unreachable. */
    get current(): Lease | undefined;
    /**
     * Presents the lease to a peer. The device then has the account's permissions there, limited by the scope. {@link use} does this when
     * needed.
     *
     * @throws {FastnNetError} `ERR_UNAUTHORIZED` without a valid lease, or if the peer does not know the account. The errors of
     * {@link Endpoint#call}.
     */
    present(peer: Peer, options?: CallSettings): Promise<void>;
    /**
     * Calls a function that uses a peer, after presenting the lease to that peer if needed. If the function fails with `ERR_UNAUTHORIZED`,
     * because the peer has restarted and lost the lease, presents it again and repeats the call once.
     *
     * @throws {FastnNetError} Those of {@link present}, and errors of the function.
     */
    use<Result>(peer: Peer, call: () => Promise<Result>, options?: CallSettings): Promise<Result>;
    /** Stops renewing. The lease stays valid at the peers that have it, until it expires. */
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
    /** Expiry of the invitation, in milliseconds as from `Date.now()`. */
    readonly until: number;
}
/**
 * Reads the text of an invitation, as {@link Account.invite} returns it. White space around it is ignored.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is malformed. The message does not contain the text, which holds a secret.
 *
 * @example
 * const { until } = parseInvitation(text)
 */
declare function parseInvitation(text: string): InvitationTicket;

export { Account, HeldLease, fileStore, holdLease, memoryStore, openAccount, parseInvitation, verifyLease };
export type { AccountData, AccountDraft, AccountOptions, AccountRule, AccountStore, Alias, CallSettings, Device, Explanation, Identity, Invitation, InvitationTicket, InviteOptions, Lease, LeaseClaims, LeaseScope, RedeemOptions, StoredInvitation, Who };
