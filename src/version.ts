/** The version of this package, in `package.json` and in `Cargo.toml` as well: an addon of another one is not used. */
export const version = '0.1.0'
