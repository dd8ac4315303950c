// Installs each library in its own folder, so that sizes can be measured separately, and builds the Rust upper bound.
// Not `npm ci`: it rejects lock files without the optional packages of other platforms.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

process.chdir(new URL('.', import.meta.url).pathname)
const run = (cmd, args, cwd) => {
  if (spawnSync(cmd, args, { cwd, stdio: 'inherit', timeout: 1200000 }).status !== 0) process.exitCode = 1
}
for (const lib of readdirSync('libs')) {
  if (!existsSync(`libs/${lib}/package-lock.json`)) continue
  console.log(lib)
  run('npm', ['install', '--no-audit', '--no-fund', '--silent'], `libs/${lib}`)
}
run('cargo', ['build', '--release', '--quiet'], 'limit')
