/**
 * Hides the warning of Node.js before 24.15 that `node:sqlite` is experimental. Users of the command line can do nothing about it. Other
 * warnings are printed as before. Call it before `node:sqlite` is loaded.
 */
export function hideSqliteWarning(): void {
  const listeners = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', warning => {
    if (warning.name === 'ExperimentalWarning' && warning.message.includes('SQLite')) return
    for (const listener of listeners) listener.call(process, warning)
  })
}
