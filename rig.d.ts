// Generated from src/rig/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { CallSettings } from './account.js';
export { CallSettings } from './account.js';
import { FastnNetError } from './index.js';
import { Endpoint } from './index.js';
import { Peer } from './index.js';
import { Account } from './account.js';

/**
 * The folder of a rig: the given one, else the environment variable `FASTN_HOME`, else the platform's data folder, as in the original:
 * `~/.local/share/fastn` on Linux, or below `XDG_DATA_HOME`; `~/Library/Application
 * Support/com.fastn.fastn` on macOS; `%APPDATA%\fastn\fastn\data` on Windows.
 */
declare function rigHome(home?: string): string;

/** Location of a rig. */
interface HomeOptions {
    /** The folder. Default: see {@link rigHome}. */
    home?: string | undefined;
}
/** An identity of a rig: the rig itself, or an alias of an account. */
interface RigEntity {
    /** Its public key. */
    readonly id52: string;
    /** Kind of the identity. */
    readonly kind: 'rig' | 'account';
    /** ID52 of the account, which is that of its first alias; `null` for the rig. */
    readonly account: string | null;
    /** Name of the account in this rig; `'rig'` for the rig; `null` without one. */
    readonly name: string | null;
    /** Whether it has an endpoint while the rig runs. */
    readonly online: boolean;
}
/** Content of a home. */
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
 * Initializes a folder as the home of a rig, with the rig's key and an account that owns it. Both are online. Existing keys of the rig and of
 * accounts in the folder are used, never replaced.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder already is the home of a rig, or cannot be written. `ERR_KEY_STORE`.
 * `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * const { owner } = await initRig({ home: 'my-rig' })
 */
declare function initRig(options?: HomeOptions): Promise<RigEntities>;
/**
 * Reads the identities of a home. Works while its rig runs.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is not the home of a rig. `ERR_KEY_STORE`. `ERR_INVALID_ARGUMENT`.
 */
declare function rigEntities(options?: HomeOptions): Promise<RigEntities>;
/**
 * Adds an account with its own key, initially offline: see {@link setOnline}.
 *
 * @param options `name`: its name in this rig. Default: none.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also for a duplicate name. `ERR_FILE`. `ERR_KEY_STORE`.
 *
 * @example
 * const work = await createAccount({ name: 'work' })
 * await setOnline(work.id52, true)
 */
declare function createAccount(options?: HomeOptions & {
    name?: string | undefined;
}): Promise<RigEntity>;
/**
 * Brings an identity online or offline. A running rig applies the change on {@link Rig.reload}; `fastn-net rig run` watches the home.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
declare function setOnline(entity: string, isOnline: boolean, options?: HomeOptions): Promise<RigEntity>;
/**
 * Sets the identity of services without `identity`. A running rig applies the change as with {@link setOnline}.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
declare function setCurrent(entity: string, options?: HomeOptions): Promise<RigEntity>;

/** Target of a host: see `fastn-net/router`. It has one of `folder`, `backend` and `peer`. */
interface RouterTargetConfig {
    /** Path of a folder. Further keys: `listing`, `hidden`. */
    folder?: string | undefined;
    /** An HTTP server: a port of 127.0.0.1, `'host:port'`, `'unix:'` and a path, or a URL. Further key: `'host-header'`. */
    backend?: string | number | undefined;
    /** A peer: an ID52 or an alias. Further key: `service`. */
    peer?: string | undefined;
    /** Peers that may use it: ID52s, aliases and groups. Default: none; only local programs may use it. */
    allow?: readonly string[] | undefined;
    /** Admit every peer. Default: false. */
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
    /** Peers reachable as `http://<id52>.localhost`. Default: `'all'`. */
    peers?: 'all' | 'known' | 'none' | undefined;
    /** Target of the identity's own name. Default: none. */
    home?: RouterTargetConfig | undefined;
    /** Targets by name. */
    hosts?: Readonly<Record<string, RouterTargetConfig>> | undefined;
}
/** A mail user: see `fastn-mail`. */
interface MailUserConfig {
    /** Hash of the password, from `hashPassword` of `fastn-mail`. Default: none; the user cannot log in. */
    password?: string | undefined;
    /** Further local parts of addresses; `'*'` matches all others. Default: `['*']` for a single user. */
    aliases?: readonly string[] | undefined;
    /** Mailbox quota in bytes. Default: 5 GiB. */
    quota?: number | undefined;
}
/** Mail of an account. Requires the package `fastn-mail`. */
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
    /** Peers whose mail is accepted: ID52s, aliases and groups. This or `public` is required. */
    allow?: readonly string[] | undefined;
    /** Accept mail of every peer. Default: false. */
    public?: boolean | undefined;
    /** Mail of peers of the original, whose senders are anonymous. Default: `'refuse'`. */
    legacy?: 'refuse' | 'junk' | 'accept' | undefined;
    /** Users by name. At least one. */
    users: Readonly<Record<string, MailUserConfig>>;
}

/** HTTP server of `/health` and `/metrics`. */
interface HealthConfig {
    /** Port. `0` selects a free one; {@link RigStatus} has it. */
    port: number;
    /** Local address. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Accepted values of the header `Host` besides those of this machine. Default: none. */
    names?: readonly string[] | undefined;
}
/** A service, with the keys of its kind: see `run` in docs/cli.md. */
interface ServiceConfig {
    /** `'tcp'`, `'tcp-bridge'`, `'udp'`, `'udp-bridge'`, `'http'`, `'http-bridge'`, `'proxy-remote'`, `'proxy'` or `'socks5'`. */
    kind: string;
    /** The identity that exposes it or dials: an ID52, the name of an account, or `'rig'`. Default: the current one. */
    identity?: string | undefined;
    /** Keys of the kind. */
    [key: string]: unknown;
}
/**
 * Configuration of a rig, with the keys of its TOML file. It is checked on use; {@link RigConfigError} names an invalid key. Unknown keys are
 * errors.
 */
interface RigConfig {
    /** Network of all identities. Default: the environment variable `FASTN_NET_NETWORK`, else `'internet'`. A change needs a restart. */
    network?: 'internet' | 'lan' | 'loopback' | undefined;
    /** URLs of relays to use instead of the public ones. A change needs a restart. Default: none. */
    relays?: readonly string[] | undefined;
    /** Health and metrics over HTTP. Default: none. */
    health?: HealthConfig | undefined;
    /** Services and tunnels by name, at most 256. Services of an offline identity do not run. */
    services?: Readonly<Record<string, ServiceConfig>> | undefined;
    /** The router. Default: none, unless `FASTN_HTTP_PORT` is set. */
    router?: RouterConfig | undefined;
    /** Mail. Default: none. */
    mail?: MailConfig | undefined;
}

/** An invalid value in the configuration of a rig. Its code is `ERR_INVALID_ARGUMENT`; the message names the key and the nearest known one. */
declare class RigConfigError extends FastnNetError {
    /** Keys from the root of the configuration to the wrong value, such as `['services', 'web', 'port']`. */
    readonly path: readonly string[];
    /** Creates an error. For the library only. */
    constructor(path: readonly string[], problem: string);
}

/** An identity of a running rig. */
interface RigIdentityStatus extends RigEntity {
    /** Whether it has an endpoint now. */
    readonly running: boolean;
    /** Connected peers. */
    readonly peers: number;
}
/** A service of a running rig. */
interface RigServiceStatus {
    /** Its name in the configuration. */
    readonly name: string;
    /** Its kind, such as `'tcp'`. */
    readonly kind: string;
    /** ID52 of its identity. */
    readonly identity: string;
    /** Its local address, or the exposed target. */
    readonly address: string;
    /** Local port; `null` if there is none. */
    readonly port: number | null;
    /** Connections, flows or requests in progress. */
    readonly connections: number;
    /** Mails in the queue; `null` if it is not of kind `'mail'`. */
    readonly queued: number | null;
    /** Whether it was replaced or removed, and waits for its connections. */
    readonly ending: boolean;
}
/** The last attempt of a rig to apply its configuration. */
interface RigApplied {
    /** Time in milliseconds since 1970. */
    readonly time: number;
    /** The error; `null` after success. */
    readonly error: string | null;
}
/** Snapshot of a rig. Times are in milliseconds since 1970. */
interface RigStatus {
    /** Version of the library. */
    readonly version: string;
    /** ID52 of the rig. */
    readonly id52: string;
    /** ID52 of the account that owns the rig. */
    readonly owner: string;
    /** ID52 of the identity that services without `identity` use. */
    readonly current: string;
    /** Start of the rig. */
    readonly started: number;
    /** Time of the snapshot. */
    readonly time: number;
    /** The rig, then the aliases of all accounts. */
    readonly identities: readonly RigIdentityStatus[];
    /** Services, in the order of the configuration; then those that are ending. */
    readonly services: readonly RigServiceStatus[];
    /** Address of `/health` and `/metrics`; `null` if they are not served. */
    readonly health: string | null;
    /** The last change of the configuration. */
    readonly applied: RigApplied;
}
/** Result of applying a configuration. */
interface RigChanges {
    /** ID52s of identities that came online. */
    readonly online: readonly string[];
    /** ID52s of identities that went offline. */
    readonly offline: readonly string[];
    /** Names of services that were started, replaced or updated. */
    readonly started: readonly string[];
    /** Names of services that were removed, or whose identity went offline. */
    readonly stopped: readonly string[];
    /** Number of unchanged services. */
    readonly kept: number;
}

/**
 * Queries the status of a rig. Only its owner and the owner's devices may do so: an alias of the account that owns the rig, or a device with a
 * lease of that account. A device must present the lease first, as in `lease.use(rig, () => rigStatus(endpoint, rig))`.
 *
 * @param rig The rig's own identity, which must be online.
 * @throws {FastnNetError} `ERR_UNAUTHORIZED`. The errors of `Endpoint.call`.
 *
 * @example
 * const { services } = await rigStatus(endpoint, rigTicket)
 */
declare function rigStatus(endpoint: Endpoint, rig: Peer, options?: CallSettings): Promise<RigStatus>;
/**
 * Makes a rig reload and apply its configuration, as {@link Rig.reload} does. For access, see {@link rigStatus}.
 *
 * @throws {FastnNetError} `ERR_REMOTE` if the rig rejects the configuration; nothing changes. `ERR_UNAUTHORIZED`. The errors of
 * `Endpoint.call`.
 */
declare function reloadRig(endpoint: Endpoint, rig: Peer, options?: CallSettings): Promise<RigChanges>;

/** Options of {@link importRig}. */
interface ImportOptions extends HomeOptions {
    /** The user of `[mail.users]` that gets the mail. Default: `'me'`. */
    user?: string | undefined;
}
/** An imported account. */
interface ImportedAccount {
    /** ID52 of the account. */
    readonly account: string;
    /** ID52s of its aliases. */
    readonly aliases: readonly string[];
    /** Number of new peers. */
    readonly peers: number;
    /** Number of new mails. */
    readonly mails: number;
    /** Number of mails that were imported before. */
    readonly duplicates: number;
}
/** Result of {@link importRig}. */
interface ImportedRig {
    /** The accounts. */
    readonly accounts: readonly ImportedAccount[];
    /** Skipped items, with reasons. */
    readonly problems: readonly string[];
}
/**
 * Imports a folder of the original's rig: keys, peer names and mail permissions, mails with flags, and the online state. Does not change the
 * folder, and imports nothing twice. A new home gets the key of the original's rig. The rig of the home must not run.
 *
 * Mails need the package `fastn-mail`. Names, flags and online states need `node:sqlite`: Node.js 22.13 or newer, Bun or Deno. Without
 * them, only the keys are imported, and `problems` lists the rest.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is not one of the original, or on a read or write error. `ERR_BUSY` if a rig runs in
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
     * Notify systemd of start, reload and close, and send watchdog pings, in units with `Type=notify` or `Type=notify-reload`. Only for the
     * main process of the unit. Default: false.
     */
    notify?: boolean | undefined;
    /** Cancels the start, which rejects with the signal's reason. Default: none. */
    signal?: AbortSignal | undefined;
}

/** A configuration, or a function that reads it, called once per reload. */
type RigConfigSource = RigConfig | (() => RigConfig | Promise<RigConfig>);
/**
 * Starts the rig of a home: an endpoint and an account for each online identity, and the configured services. Only one process can run it.
 *
 * Keeps the process alive until {@link Rig.close}.
 *
 * @param config The configuration, or a function that reads it.
 * @throws {FastnNetError} `ERR_BUSY` if another process runs the rig; the message names it. {@link RigConfigError} for a wrong configuration.
 * `ERR_FILE` if the folder is not the home of a rig. `ERR_KEY_STORE`. `ERR_BIND`. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_INVALID_ARGUMENT`.
 * Errors of the function.
 *
 * @example
 * await using rig = await startRig({
 *   services: { web: { kind: 'http', target: 8080, allow: ['friends'] } }
 * })
 */
declare function startRig(config: RigConfigSource, options?: RigOptions): Promise<Rig>;
/**
 * Checks a configuration for a home without starting it. Works while the rig runs.
 *
 * @returns Names of the services.
 * @throws {FastnNetError} {@link RigConfigError}. `ERR_FILE`. `ERR_INVALID_ARGUMENT`. Errors of the function.
 */
declare function checkRig(config: RigConfigSource, options?: Pick<RigOptions, 'home' | 'folder'>): Promise<string[]>;
/** A running rig. Started by {@link startRig}. */
declare class Rig implements AsyncDisposable {
    #private;
    private constructor();
    /** ID52 of the rig. */
    get id52(): string;
    /**
     * The endpoint of an identity; `undefined` if it is offline. Going offline and online again creates a new endpoint.
     *
     * @param entity An ID52, the name of an account, or `'rig'`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
     */
    endpoint(entity: string): Endpoint | undefined;
    /**
     * The account of an identity; `undefined` if it is offline. It resolves the names in services: `friends` admits the members of that group.
     * The account of the rig itself knows only the owner, and is not stored.
     *
     * @param entity An ID52, the name of an account, or `'rig'`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
     *
     * @example
     * const { text } = await rig.account('work').invite({ name: 'alice', groups: ['friends'] })
     */
    account(entity: string): Account | undefined;
    /** Returns a snapshot of the rig. */
    status(): RigStatus;
    /** Metrics of all identities' endpoints, as from `Endpoint.metrics`. Each sample has the label `endpoint`, an ID52. */
    metrics(): string;
    /**
     * Applies a configuration, and changes of the home by commands: online identities and the current one. Checks first, then applies all
     * changes or none: if an identity or a service fails to start, the previous state stays. Unchanged identities and services are not
     * restarted. Connections of a changed service continue until they end. Changes run one after the other.
     *
     * @param config The new configuration. Default: the previous one; a function is called again.
     * @throws {FastnNetError} {@link RigConfigError} for an invalid configuration. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_FILE`. `ERR_KEY_STORE`.
     * `ERR_BIND`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED`. Errors of the function.
     */
    reload(config?: RigConfigSource): Promise<RigChanges>;
    /**
     * Closes services and identities, and unlocks the home. Idempotent.
     *
     * @param options `timeout`: time for connections and finished streams to complete, in milliseconds. Default: 5 s.
     */
    close(options?: {
        timeout?: number | undefined;
    }): Promise<void>;
    /** Same as {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

export { Rig, RigConfigError, checkRig, createAccount, importRig, initRig, reloadRig, rigEntities, rigHome, rigStatus, setCurrent, setOnline, startRig };
export type { HealthConfig, HomeOptions, ImportOptions, ImportedAccount, ImportedRig, MailConfig, MailUserConfig, RigApplied, RigChanges, RigConfig, RigConfigSource, RigEntities, RigEntity, RigIdentityStatus, RigOptions, RigServiceStatus, RigStatus, RouterConfig, RouterTargetConfig, ServiceConfig };
