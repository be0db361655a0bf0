/** The help texts of dmctl, in the manual's layout (4.1.2.1, 4.3.2). */
import type { CtlCommand, CtlOption } from './ctl-command.js';
import { CTL_COMMANDS, CTL_COMMANDS_NOT_YET } from './ctl-commands.js';

const SOURCE_FLAG: CtlOption = {
  flags: '-s, --source <sources...>',
  type: 'strings',
  help: 'MySQL Source ID.',
};

const LOCAL_COMMANDS = [
  { name: 'decrypt', summary: 'Decrypts ciphertext to plaintext.' },
  { name: 'encrypt', summary: 'Encrypts plaintext to ciphertext.' },
  { name: 'help', summary: 'Gets help about any command.' },
];

function flagLine({ flags, type, help }: CtlOption, width: number): string {
  const words = flags.replace(/ <.*$/, '');
  const left = `${words.startsWith('--') ? `    ${words}` : words}${type === '' ? '' : ` ${type}`}`;
  return `  ${left.padEnd(width)} ${help}`;
}

function flagLines(options: readonly CtlOption[]): string {
  const width = Math.max(
    ...options.map(({ flags, type }) => flags.replace(/ <.*$/, '').length + type.length + 5),
  );
  return options.map((option) => flagLine(option, width)).join('\n');
}

export function commandHelp(command: CtlCommand): string {
  const help: CtlOption = { flags: '-h, --help', type: '', help: `help for ${command.name}` };
  return `${command.description}

Usage:
  dmctl ${command.usage} [flags]

Flags:
${flagLines([help, ...command.options])}

Global Flags:
${flagLines([SOURCE_FLAG])}
`;
}

export function programHelp(): string {
  const ready = [...CTL_COMMANDS, ...LOCAL_COMMANDS].sort((a, b) => (a.name < b.name ? -1 : 1));
  const width = Math.max(...[...ready, ...CTL_COMMANDS_NOT_YET].map(({ name }) => name.length));
  const line = ({ name, summary }: { name: string; summary: string }) => `  ${name.padEnd(width)} ${summary}`;
  return `DM control

Usage:
  dmctl [command]

Available Commands:
${ready.map(line).join('\n')}

Not supported yet:
${CTL_COMMANDS_NOT_YET.map(line).join('\n')}

Special Commands:
  --encrypt            Encrypts plaintext to ciphertext.
  --decrypt            Decrypts ciphertext to plaintext.

Global Options:
  -V, --version        Prints version and exit.
  --config             Path to configuration file.
  --master-addr        Master API server addr; also from the environment variable DM_MASTER_ADDR.
  --nats-url           Addresses of your own NATS, if the masters use one.
  --rpc-timeout        RPC timeout, default is 10m.
  --secret-key-path    Path of the file with the key of encrypted passwords.
  --ssl-ca             Path of file that contains list of trusted SSL CAs for connection.
  --ssl-cert           Path of file that contains X509 certificate in PEM format for connection.
  --ssl-key            Path of file that contains X509 key in PEM format for connection.

Flags:
  -h, --help           help for dmctl
  -s, --source strings MySQL Source ID.

Use "dmctl [command] --help" for more information about a command.
`;
}
