export { type FolderOptions, folderHandler, type ServedFolder } from './folder/folder-handler.js'
export type { RouterAccount, RouterIdentity, RouterLease, RouterNames, RouterOptions, RouterTable } from './options.js'
export { createRouter, Router } from './router.js'
export type {
  AccessLevel,
  BackendTarget,
  FetchApplication,
  FolderTarget,
  HandlerTarget,
  PeerTarget,
  RouterAllow,
  RouterContext,
  RouterHandler,
  RouterTarget,
  TargetOptions
} from './target.js'
