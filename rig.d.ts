// Generated from src/rig/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { FastnNetError } from './index.js';

/** A wrong value in the configuration of a rig. Its code is `ERR_INVALID_ARGUMENT`; the message names the key, and the nearest known one. */
declare class RigConfigError extends FastnNetError {
    /** Keys from the root of the configuration to the wrong value, such as `['services', 'web', 'port']`. */
    readonly path: readonly string[];
    /** Creates an error. Programs receive them, and make none. */
    constructor(path: readonly string[], problem: string);
}

export { RigConfigError };
