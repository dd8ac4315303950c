// Who someone is, and where keys live; one class a file.
export {
  type KeyStoreOptions,
  type LoadSecretKeyOptions,
  loadSecretKey,
  readOrCreateSecretKey,
  type StoredSecretKey,
  saveSecretKey
} from './key-store.js'
export type { Keyring } from './keyring.js'
export { PublicKey } from './public-key.js'
export { SecretKey } from './secret-key.js'
