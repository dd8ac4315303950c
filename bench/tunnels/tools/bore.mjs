// A relay without encryption; its control port is fixed (7835).
export async function start({ target, port, run, portUp }) {
  run('bore', ['server', '--bind-addr', '127.0.0.1', '--bind-tunnels', '127.0.0.1'])
  await portUp(7835)
  run('bore', ['local', target, '--to', '127.0.0.1', '--port', port])
}
