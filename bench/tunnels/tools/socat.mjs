// A plain TCP proxy in user space, a process per connection.
export async function start({ target, port, run }) {
  run('socat', [
    '-b65536',
    `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,backlog=512,nodelay`,
    `TCP:127.0.0.1:${target},nodelay`
  ])
}
