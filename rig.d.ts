// Generated from src/rig/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { Protocol, FastnNetError } from './index.js';
import { Endpoint } from './index.js';
import { PeerAddress, Peer } from './index.js';
import { AccessDecision, ExplainOptions } from './index.js';
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

/** How a call to another account waits. */
interface CallSettings {
    /** Time until the answer, in milliseconds. Default: 10 s. */
    timeout?: number | undefined;
    /** Ends the wait, which rejects with its reason. */
    signal?: AbortSignal | undefined;
}
/** Options of {@link Account.redeem}. */
interface RedeemOptions extends CallSettings {
    /** Alias of the peer that invites, here. If it is taken, `name-2`, `name-3` and so on. */
    name: string;
    /** Groups of this account that the peer joins, which must exist. Default: none. */
    groups?: readonly string[] | undefined;
}

/**
 * The folder of a rig: the given one, else that of the environment variable `FASTN_HOME`, else one in the platform's folder for data of
 * programs, which the original uses as well: `~/.local/share/fastn` on Linux, or below `XDG_DATA_HOME`; `~/Library/Application
 * Support/com.fastn.fastn` on macOS; `%APPDATA%\fastn\fastn\data` on Windows.
 */
declare function rigHome(home?: string): string;

/** Where a rig is. */
interface HomeOptions {
    /** The folder. Default: see {@link rigHome}. */
    home?: string | undefined;
}
/** An identity of a rig: the rig itself, or an alias of an account. */
interface RigEntity {
    /** Its public key. */
    readonly id52: string;
    /** What it is. */
    readonly kind: 'rig' | 'account';
    /** ID52 of the account, which is that of its first alias; `null` for the rig. */
    readonly account: string | null;
    /** Name of the account in this rig; `'rig'` for the rig; `null` without one. */
    readonly name: string | null;
    /** Whether it is to have an endpoint while the rig runs. */
    readonly online: boolean;
}
/** What a home has. */
interface RigEntities {
    /** The folder. */
    readonly home: string;
    /** ID52 of the rig. */
    readonly id52: string;
    /** ID52 of the account that owns the rig. */
    readonly owner: string;
    /** ID52 of the identity that services without `identity` use. */
    readonly current: string;
    /** The rig, then the aliases of all accounts. */
    readonly entities: readonly RigEntity[];
}
/**
 * Makes a folder the home of a rig: with the key of the rig, and an account that owns it. Both are online. Nothing that is there is
 * replaced: keys of the rig and of accounts in the folder are taken.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is the home of a rig already, or cannot be written. `ERR_KEY_STORE`.
 * `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * const { owner } = await initRig({ home: 'my-rig' })
 */
declare function initRig(options?: HomeOptions): Promise<RigEntities>;
/**
 * Reads what a home has. Works beside the rig that runs there.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is no home of a rig. `ERR_KEY_STORE`. `ERR_INVALID_ARGUMENT`.
 */
declare function rigEntities(options?: HomeOptions): Promise<RigEntities>;
/**
 * Adds an account, with a key of its own. It is offline: see {@link setOnline}.
 *
 * @param options `name`: what this rig calls it. Default: none.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also for a name that is taken. `ERR_FILE`. `ERR_KEY_STORE`.
 *
 * @example
 * const work = await createAccount({ name: 'work' })
 * await setOnline(work.id52, true)
 */
declare function createAccount(options?: HomeOptions & {
    name?: string | undefined;
}): Promise<RigEntity>;
/**
 * Says whether an identity is to have an endpoint while the rig runs. A rig that runs learns of it by {@link Rig.reload}; `fastn-net rig`
 * watches the home.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
declare function setOnline(entity: string, isOnline: boolean, options?: HomeOptions): Promise<RigEntity>;
/**
 * Chooses the identity that services without `identity` use. A rig that runs learns of it as with {@link setOnline}.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
declare function setCurrent(entity: string, options?: HomeOptions): Promise<RigEntity>;

/** Where requests for a host go: see `fastn-net/router`. One of `folder`, `backend` and `peer` says what it is. */
interface RouterTargetConfig {
    /** Path of a folder. Further keys: `listing`, `hidden`. */
    folder?: string | undefined;
    /** An HTTP server: a port of 127.0.0.1, `'host:port'`, `'unix:'` and a path, or a URL. Further key: `'host-header'`. */
    backend?: string | number | undefined;
    /** A peer: an ID52 or an alias. Further key: `service`. */
    peer?: string | undefined;
    /** Peers that may use it: ID52s, aliases and groups. Default: none; it is for this machine. */
    allow?: readonly string[] | undefined;
    /** Let every peer use it. Default: false. */
    public?: boolean | undefined;
    /** Further keys. */
    [key: string]: unknown;
}
/** The router of an identity: one local port for many hosts. See `fastn-net/router`. */
interface RouterConfig {
    /** The identity. Default: the current one. */
    identity?: string | undefined;
    /** Local port. The environment variable `FASTN_HTTP_PORT` has precedence. Default: a free one. */
    port?: number | undefined;
    /** Local address. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Peers that are reached as `http://<id52>.localhost`. Default: `'all'`. */
    peers?: 'all' | 'known' | 'none' | undefined;
    /** Target of the identity's own name. Default: none. */
    home?: RouterTargetConfig | undefined;
    /** Targets by name. */
    hosts?: Readonly<Record<string, RouterTargetConfig>> | undefined;
}
/** A person with mail: see `fastn-mail`. */
interface MailUserConfig {
    /** Hash of the password, from `hashPassword` of `fastn-mail`. Default: none; the user cannot log in. */
    password?: string | undefined;
    /** Local parts of addresses besides the name; `'*'` is every other. Default: `['*']` for the only user. */
    aliases?: readonly string[] | undefined;
    /** Limit of the user's mail, in bytes. Default: 5 GiB. */
    quota?: number | undefined;
}
/** Mail of an account, by the package `fastn-mail`, which must be installed. */
interface MailConfig {
    /** The account. Default: the current identity. */
    identity?: string | undefined;
    /** Local address of SMTP and IMAP. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Port of SMTP. The environment variable `FASTN_SMTP_PORT` has precedence. Default: 2525. */
    'smtp-port'?: number | undefined;
    /** Port of IMAP. The environment variable `FASTN_IMAP_PORT` has precedence. Default: 1143. */
    'imap-port'?: number | undefined;
    /** Whether to serve IMAP. Default: true. */
    imap?: boolean | undefined;
    /** Peers whose mail is taken: ID52s, aliases and groups. This or `public` is needed. */
    allow?: readonly string[] | undefined;
    /** Take the mail of every peer. Default: false. */
    public?: boolean | undefined;
    /** Mail of peers of the original, which do not say who they are. Default: `'refuse'`. */
    legacy?: 'refuse' | 'junk' | 'accept' | undefined;
    /** Users by name. At least one. */
    users: Readonly<Record<string, MailUserConfig>>;
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
    /** Alias that the peer gets here. If it is taken, the peer gets `name-2`, `name-3` and so on. */
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
     * answer is safe.
     *
     * @returns The alias of the peer here.
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

/** Where `/health` and `/metrics` are served over HTTP. */
interface HealthConfig {
    /** Port. `0` is a free one, which {@link RigStatus} tells. */
    port: number;
    /** Local address. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Values of the header `Host` that are answered besides those of this machine. Default: none. */
    names?: readonly string[] | undefined;
}
/** A service, with the keys of its kind: docs/cli.md has them, at `run`. */
interface ServiceConfig {
    /** `'tcp'`, `'tcp-bridge'`, `'udp'`, `'udp-bridge'`, `'http'`, `'http-bridge'`, `'proxy-remote'`, `'proxy'` or `'socks5'`. */
    kind: string;
    /** The identity whose peers use it, or as which it dials: an ID52, the name of an account, or `'rig'`. Default: the current one. */
    identity?: string | undefined;
    /** Keys of the kind. */
    [key: string]: unknown;
}
/**
 * Configuration of a rig: what its TOML file has. It is checked when it is used; {@link RigConfigError} names what is wrong. Unknown keys are
 * errors.
 */
interface RigConfig {
    /** Network of all identities. Default: the environment variable `FASTN_NET_NETWORK`, else `'internet'`. A change needs a restart. */
    network?: 'internet' | 'lan' | 'loopback' | undefined;
    /** URLs of relays to use instead of the public ones. A change needs a restart. Default: none. */
    relays?: readonly string[] | undefined;
    /** Health and metrics over HTTP. Default: none. */
    health?: HealthConfig | undefined;
    /** Services and tunnels by name, at most 256. Those of an identity that is offline do not run. */
    services?: Readonly<Record<string, ServiceConfig>> | undefined;
    /** The router. Default: none, unless `FASTN_HTTP_PORT` is set. */
    router?: RouterConfig | undefined;
    /** Mail. Default: none. */
    mail?: MailConfig | undefined;
}

/** A wrong value in the configuration of a rig. Its code is `ERR_INVALID_ARGUMENT`; the message names the key, and the nearest known one. */
declare class RigConfigError extends FastnNetError {
    /** Keys from the root of the configuration to the wrong value, such as `['services', 'web', 'port']`. */
    readonly path: readonly string[];
    /** Creates an error. Programs receive them, and make none. */
    constructor(path: readonly string[], problem: string);
}

/** An identity of a rig that runs. */
interface RigIdentityStatus extends RigEntity {
    /** Whether it has an endpoint now. */
    readonly running: boolean;
    /** Peers that are connected to it. */
    readonly peers: number;
}
/** A service of a rig that runs. */
interface RigServiceStatus {
    /** Its name in the configuration. */
    readonly name: string;
    /** Its kind, such as `'tcp'`. */
    readonly kind: string;
    /** ID52 of its identity. */
    readonly identity: string;
    /** Where it listens, or what it exposes. */
    readonly address: string;
    /** Local port on which it listens; `null` if there is none. */
    readonly port: number | null;
    /** Connections, flows or requests in progress. */
    readonly connections: number;
    /** Whether it was replaced or is gone, and ends when its connections do. */
    readonly ending: boolean;
}
/** The last time that a rig applied its configuration, or could not. */
interface RigApplied {
    /** When, in milliseconds since 1970. */
    readonly time: number;
    /** Why it could not; `null` if it did. */
    readonly error: string | null;
}
/** What a rig does. Times are in milliseconds since 1970. */
interface RigStatus {
    /** Version of the library. */
    readonly version: string;
    /** ID52 of the rig. */
    readonly id52: string;
    /** ID52 of the account that owns the rig. */
    readonly owner: string;
    /** ID52 of the identity that services without `identity` use. */
    readonly current: string;
    /** When it started. */
    readonly started: number;
    /** When this was taken. */
    readonly time: number;
    /** The rig, then the aliases of all accounts. */
    readonly identities: readonly RigIdentityStatus[];
    /** Services, in the order of the configuration; then those that are ending. */
    readonly services: readonly RigServiceStatus[];
    /** Where `/health` and `/metrics` are served; `null` if they are not. */
    readonly health: string | null;
    /** The last change of the configuration. */
    readonly applied: RigApplied;
}
/** What applying a configuration did. */
interface RigChanges {
    /** ID52s of identities that came online. */
    readonly online: readonly string[];
    /** ID52s of identities that went offline. */
    readonly offline: readonly string[];
    /** Names of services that were started, or replaced. */
    readonly started: readonly string[];
    /** Names of services that the configuration no longer has, or whose identity is offline. */
    readonly stopped: readonly string[];
    /** How many services were left alone. */
    readonly kept: number;
}

/**
 * Asks a rig what it does. Only its owner and the owner's devices may ask: an alias of the account that owns the rig, or a device with a
 * lease of that account, which must be shown to the rig before, as by `lease.use(rig, () => rigStatus(endpoint, rig))`.
 *
 * @param rig The rig's own identity, which must be online.
 * @throws {FastnNetError} `ERR_UNAUTHORIZED`. The errors of `Endpoint.call`.
 *
 * @example
 * const { services } = await rigStatus(endpoint, rigTicket)
 */
declare function rigStatus(endpoint: Endpoint, rig: Peer, options?: CallSettings): Promise<RigStatus>;
/**
 * Lets a rig read its configuration again and apply it, as {@link Rig.reload} does. Who may ask: see {@link rigStatus}.
 *
 * @throws {FastnNetError} `ERR_REMOTE` if the rig rejects the configuration; nothing is changed then. `ERR_UNAUTHORIZED`. The errors of
 * `Endpoint.call`.
 */
declare function reloadRig(endpoint: Endpoint, rig: Peer, options?: CallSettings): Promise<RigChanges>;

/** Options of {@link importRig}. */
interface ImportOptions extends HomeOptions {
    /** The user of `[mail.users]` whose mail the original's is. Default: `'me'`. */
    user?: string | undefined;
}
/** An account that was imported. */
interface ImportedAccount {
    /** ID52 of the account. */
    readonly account: string;
    /** ID52s of its aliases. */
    readonly aliases: readonly string[];
    /** How many peers it knows in addition. */
    readonly peers: number;
    /** How many mails it has in addition. */
    readonly mails: number;
    /** How many mails were imported before. */
    readonly duplicates: number;
}
/** Result of {@link importRig}. */
interface ImportedRig {
    /** The accounts. */
    readonly accounts: readonly ImportedAccount[];
    /** What was left out, and why. */
    readonly problems: readonly string[];
}
/**
 * Imports a folder of the original's rig: keys, the names of peers and whose mail is welcome, mails with their flags, and which identities are
 * online. Leaves the folder as it is. What was imported before is not imported again. A home that is not initialized gets the key of the
 * original's rig. The rig of the home must not run.
 *
 * Mails need the package `fastn-mail`. Names, flags and online states need `node:sqlite`: Node.js 22.13 or newer, Bun or Deno. Without
 * them, the keys are imported, and `problems` says what was not.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is none of the original, or something cannot be read or written. `ERR_BUSY` if a rig runs in
 * either. `ERR_KEY_STORE`. `ERR_INVALID_ARGUMENT`.
 */
declare function importRig(folder: string, options?: ImportOptions): Promise<ImportedRig>;

/** Options of {@link startRig}. */
interface RigOptions {
    /** The folder of the rig. Default: see {@link rigHome}. */
    home?: string | undefined;
    /** Folder that paths in the configuration are relative to. Default: the home. */
    folder?: string | undefined;
    /**
     * Tell systemd when the rig is ready, applies its configuration and closes, and that it is alive: where the process was started with
     * `Type=notify` or `Type=notify-reload`. Only for the program that the unit starts. Default: false.
     */
    notify?: boolean | undefined;
    /** Cancels the start, which rejects with the signal's reason. Default: none. */
    signal?: AbortSignal | undefined;
}

/** A configuration, or a function that reads it: for each reload once. */
type RigConfigSource = RigConfig | (() => RigConfig | Promise<RigConfig>);
/**
 * Starts the rig of a home: an endpoint and an account for each identity that is online, and the services of the configuration. One process
 * at a time can run it.
 *
 * Keeps the process alive while it serves. {@link Rig.close} ends it.
 *
 * @param config The configuration, or a function that reads it.
 * @throws {FastnNetError} `ERR_BUSY` if another process runs the rig; the message names it. {@link RigConfigError} for a wrong configuration.
 * `ERR_FILE` if the folder is no home of a rig. `ERR_KEY_STORE`. `ERR_BIND`. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_INVALID_ARGUMENT`. What
 * the function throws.
 *
 * @example
 * await using rig = await startRig({
 *   services: { web: { kind: 'http', target: 8080, allow: ['friends'] } }
 * })
 */
declare function startRig(config: RigConfigSource, options?: RigOptions): Promise<Rig>;
/**
 * Checks a configuration for a home, and starts nothing. Works beside the rig that runs there.
 *
 * @returns Names of the services.
 * @throws {FastnNetError} {@link RigConfigError}. `ERR_FILE`. `ERR_INVALID_ARGUMENT`. What the function throws.
 */
declare function checkRig(config: RigConfigSource, options?: Pick<RigOptions, 'home' | 'folder'>): Promise<string[]>;
/** A rig that runs. Started by {@link startRig}. */
declare class Rig implements AsyncDisposable {
    #private;
    private constructor();
    /** ID52 of the rig. */
    get id52(): string;
    /**
     * The endpoint of an identity that is online; `undefined` if it is offline. An identity that goes offline and online again gets another one.
     *
     * @param entity An ID52, the name of an account, or `'rig'`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
     */
    endpoint(entity: string): Endpoint | undefined;
    /**
     * The account of an identity that is online; `undefined` if it is offline. It decides who may use the services: one that allows `friends`
     * lets in the members of that group. The account of the rig itself knows the owner, and is not kept.
     *
     * @param entity An ID52, the name of an account, or `'rig'`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
     *
     * @example
     * const { text } = await rig.account('work').invite({ name: 'alice', groups: ['friends'] })
     */
    account(entity: string): Account | undefined;
    /** What the rig does. */
    status(): RigStatus;
    /** Metrics of the endpoints of all identities, as `Endpoint.metrics` has them. Each sample has the label `endpoint`, which is an ID52. */
    metrics(): string;
    /**
     * Applies a configuration, and what commands have changed in the home: identities that are online, and the current one. Checks it first,
     * and applies it as one: if an identity or a service cannot be started, everything is as before. Identities and services that did not
     * change are not touched. Connections of a service that changed go on until they end. Changes run one after the other.
     *
     * @param config The configuration from now on. Default: that of before; a function is called again.
     * @throws {FastnNetError} {@link RigConfigError} for a wrong configuration. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_FILE`. `ERR_KEY_STORE`.
     * `ERR_BIND`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED`. What the function throws.
     */
    reload(config?: RigConfigSource): Promise<RigChanges>;
    /**
     * Ends services and identities, and lets another process run the rig. Idempotent.
     *
     * @param options `timeout`: how long connections of services, and what was finished, have, in milliseconds. Default: 5 s.
     */
    close(options?: {
        timeout?: number | undefined;
    }): Promise<void>;
    /** Same as {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

export { Rig, RigConfigError, checkRig, createAccount, importRig, initRig, reloadRig, rigEntities, rigHome, rigStatus, setCurrent, setOnline, startRig };
export type { CallSettings, HealthConfig, HomeOptions, ImportOptions, ImportedAccount, ImportedRig, MailConfig, MailUserConfig, RigApplied, RigChanges, RigConfig, RigConfigSource, RigEntities, RigEntity, RigIdentityStatus, RigOptions, RigServiceStatus, RigStatus, RouterConfig, RouterTargetConfig, ServiceConfig };
