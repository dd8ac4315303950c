// ssh -L to a dedicated sshd on a loopback port. All connections share one TCP connection.
import { userInfo } from 'node:os'

export async function start(
  { target, port, dir, run, sh, freePort, portUp },
  cipher = 'chacha20-poly1305@openssh.com'
) {
  const key = `${dir}/key`,
    sshd = await freePort()
  sh('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  sh('mkdir', ['-p', '/run/sshd'])
  const o = (...options) => options.flatMap(x => ['-o', x])
  run('/usr/sbin/sshd', [
    '-D',
    '-e',
    '-f',
    '/dev/null',
    '-h',
    key,
    '-p',
    sshd,
    ...o(
      'ListenAddress=127.0.0.1',
      'PidFile=none',
      `AuthorizedKeysFile=${key}.pub`,
      'StrictModes=no',
      'PermitRootLogin=prohibit-password'
    )
  ])
  await portUp(sshd)
  run('ssh', [
    '-N',
    '-F',
    'none',
    '-i',
    key,
    '-p',
    sshd,
    '-c',
    cipher,
    ...o('StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ExitOnForwardFailure=yes'),
    '-L',
    `127.0.0.1:${port}:127.0.0.1:${target}`,
    `${userInfo().username}@127.0.0.1`
  ])
}
