// Generated from src/rig/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { CallSettings } from './account.js';
export { CallSettings } from './account.js';
import { FastnNetError } from './index.js';
import { Endpoint } from './index.js';
import { Peer } from './index.js';
import { Account } from './account.js';

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
export type { HealthConfig, HomeOptions, ImportOptions, ImportedAccount, ImportedRig, MailConfig, MailUserConfig, RigApplied, RigChanges, RigConfig, RigConfigSource, RigEntities, RigEntity, RigIdentityStatus, RigOptions, RigServiceStatus, RigStatus, RouterConfig, RouterTargetConfig, ServiceConfig };
