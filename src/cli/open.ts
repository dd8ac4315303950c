import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Opens a URL in the default browser. Returns false if no program can do so. */
export async function openInBrowser(url: string): Promise<boolean> {
  const [command, args] = opener(url)
  try {
    const child = spawn(command, args, { stdio: 'ignore', detached: true, windowsHide: true })
    child.unref()
    await once(child, 'spawn')
    return true
  } catch {
    return false
  }
}

function opener(url: string): [string, string[]] {
  if (process.platform === 'darwin') return ['open', [url]]
  // Not `start` of cmd.exe, which would interpret the URL.
  if (process.platform === 'win32') return ['rundll32', ['url.dll,FileProtocolHandler', url]]
  return ['xdg-open', [url]]
}
