import type { Command } from '../command.js'
import { completionScript, shells } from '../completions.js'

/** Makes the command that prints completions of `commands` and of itself. */
export function completions(commands: () => readonly Command[]): Command {
  return {
    name: 'completions',
    summary: 'Print the completions of a shell.',
    arguments: [{ name: 'SHELL', help: 'bash, zsh or fish.', choices: shells }],
    examples: [
      ['source <(fastn-net completions bash)', 'For this shell; put it into ~/.bashrc to keep it.'],
      ["echo 'source <(fastn-net completions zsh)' >> ~/.zshrc", 'For zsh, from the next start on.'],
      ['fastn-net completions fish > ~/.config/fish/completions/fastn-net.fish', 'For fish.']
    ],
    async run({ args, output }) {
      const shell = args.required(0)
      const script = completionScript(shell, commands())
      await output.result(script.trimEnd(), { event: 'completions', shell, script })
      return undefined
    }
  }
}
