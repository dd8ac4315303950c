/** The version of this package, also in `package.json` and `Cargo.toml`. An addon of another version is not used. */
export const version = '0.1.0'
