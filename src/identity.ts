// Who someone is, and where keys live; one class a file.
export {
  type KeyStoreOptions,
  type LoadSecretKeyOptions,
  loadSecretKey,
  readOrCreateSecretKey,
  type StoredSecretKey,
  saveSecretKey
} from './keys/key-store.js'
export type { Keyring } from './keys/keyring.js'
export { PublicKey } from './keys/public-key.js'
export { SecretKey } from './keys/secret-key.js'
