/** Codes of class config (20001-20070): what can be wrong in source, task and process files. */
import { define } from './define.js';
import type { ErrorCode, ErrorLevel } from './dm-error.js';

function config(code: number, workaround: string, level: ErrorLevel = 'medium'): ErrorCode {
  return define(code, 'config', 'internal', level, workaround);
}

/** For a mistake in a task file's key. */
function taskKey(code: number, key: string, level?: ErrorLevel): ErrorCode {
  return config(code, `Please check the \`${key}\` config in task configuration file.`, level);
}

export const CONFIG_CODES = {
  /** `ignore-checking-items` names a check that does not exist. Use the names of the manual, or `all`. */
  configCheckItemNotSupport: taskKey(20001, 'ignore-checking-items'),
  /** A TOML file (dm-master.toml, dm-worker.toml, dmctl.toml) is not TOML, or has a wrong key or value. */
  configTomlTransform: config(20002, 'Please check the configuration file has correct TOML format.'),
  /** A YAML file (source or task) is not YAML, or has a wrong key or value; the message says where. */
  configYamlTransform: config(20003, 'Please check the configuration file has correct YAML format.'),
  /** The task file has no `name`. */
  configTaskNameEmpty: taskKey(20004, 'name'),
  /** The source file has no `source-id`. */
  configEmptySourceId: config(20005, 'Please check the `source-id` config in configuration file.'),
  /** `source-id` is longer than 32 bytes, the width of the checkpoint table's column. */
  configTooLongSourceId: config(
    20006,
    'Please check the `source-id` config in configuration file. The max source id length is 32.',
  ),
  /** `online-ddl-scheme` is neither `gh-ost` nor `pt`. */
  configOnlineSchemeNotSupport: config(
    20007,
    'Please check the `online-ddl-scheme` config in task configuration file. Only `ghost` and `pt` are currently supported.',
  ),
  /** `timezone` is neither an offset such as +08:00 nor a zone name. */
  configInvalidTimezone: taskKey(20008, 'timezone'),
  /** A flag on the command line is unknown or has a wrong value. `--help` lists them. */
  configParseFlagSet: config(20009, 'Please check the command line; `--help` lists the flags.'),
  /** A text given to `decrypt` was not made by `encrypt`. */
  configDecryptDbPassword: config(20010, 'Please use `dmctl encrypt` to encrypt the password.'),
  /** `meta` of an incremental task says neither file and position nor GTID set in the form the source needs. */
  configMetaInvalid: taskKey(20011, 'meta'),
  /** The task has no `mysql-instances`. */
  configInstancesAtLeastOne: taskKey(20013, 'mysql-instances'),
  /** One source stands twice in `mysql-instances`. */
  configInstancesSameSourceId: taskKey(20014, 'mysql-instances'),
  /** An instance has both `mydumper-config-name` and `mydumper`. Keep one. */
  configMydumperConflict: taskKey(20015, 'mydumper-config-name` and `mydumper'),
  /** An instance has both `loader-config-name` and `loader`. Keep one. */
  configLoaderConflict: taskKey(20016, 'loader-config-name` and `loader'),
  /** An instance has both `syncer-config-name` and `syncer`. Keep one. */
  configSyncerConflict: taskKey(20017, 'syncer-config-name` and `syncer'),
  /** A configuration file cannot be read. */
  configReadFile: config(20018, 'Please check the path and the permissions of the configuration file.'),
  /** `task-mode` is not one of the modes. */
  configInvalidTaskMode: taskKey(20020, 'task-mode'),
  /** The task has no `target-database`. */
  configNeedTargetDb: taskKey(20021, 'target-database'),
  /** An incremental task must say in `meta` where each source's binlog is to be read from. */
  configMetadataNotSet: taskKey(20022, 'meta'),
  /** An instance refers to a route rule that `routes` does not hold. */
  configRouteRuleNotFound: taskKey(20023, 'route-rules'),
  /** An instance refers to a filter rule that `filters` does not hold. */
  configFilterRuleNotFound: taskKey(20024, 'filter-rules'),
  /** An instance refers to a column mapping that `column-mapping` does not hold. */
  configColumnMappingNotFound: taskKey(20025, 'column-mapping-rules'),
  /** An instance refers to a list that `block-allow-list` does not hold. */
  configBaListNotFound: taskKey(20026, 'block-allow-list'),
  /** An instance refers to a configuration that `mydumpers` does not hold. */
  configMydumperNotFound: taskKey(20027, 'mydumper-config-name'),
  /** An instance refers to a configuration that `loaders` does not hold. */
  configLoaderNotFound: taskKey(20029, 'loader-config-name'),
  /** An instance refers to a configuration that `syncers` does not hold. */
  configSyncerNotFound: taskKey(20030, 'syncer-config-name'),
  /** The task names a source that the cluster does not have. */
  configSourceIdNotFound: config(
    20031,
    'Please use `operate-source create source-config-file-path` to add source.',
  ),
  /** Two source files of one command, or two routes for one table, say the same thing. */
  configDuplicateItem: config(20032, 'Please check the configuration files and remove the duplicates.'),
  /** `shard-mode` is neither empty, `pessimistic` nor `optimistic`. */
  configShardModeNotSupport: config(
    20033,
    'Please check the `shard-mode` config in task configuration file, which can be set to `pessimistic`/`optimistic`.',
  ),
  /** A rule of `filters` cannot work: unknown event or action, or a broken regular expression. */
  configBinlogEventFilter: taskKey(20037, 'filters'),
  /** Rules stand in the task file that no instance refers to. Refer to them or take them out. */
  configGlobalConfigsUnused: config(
    20038,
    'Please check the configuration files: use the rules in `mysql-instances`, or remove them.',
  ),
  /** An expression filter mixes insert, update and delete expressions. Write one rule for each. */
  configExprFilterManyExpr: taskKey(20039, 'expression-filter'),
  /** An instance refers to a rule that `expression-filter` does not hold. */
  configExprFilterNotFound: taskKey(20040, 'expression-filters'),
  /** `backoff-max` is below `backoff-min`. */
  configCheckerMaxTooSmall: config(20043, 'Please increase `backoff-max` config'),
  /** A pattern of `block-allow-list` cannot work: broken regular expression, or half a table. */
  configGenBlockAllowList: taskKey(20044, 'block-allow-list', 'high'),
  /** A rule of `routes` cannot work: no schema-pattern, no target-schema, or half a target. */
  configGenTableRouter: taskKey(20045, 'routes', 'high'),
  /** `chunk-filesize` is not a number of MiB or a size. */
  configInvalidChunkFileSize: config(
    20047,
    'Please check the `chunk-filesize` config in task configuration file.',
  ),
  /** A rule of `shadow-table-rules` or `trash-table-rules` is no regular expression with a group. */
  configOnlineDdlInvalidRegex: config(
    20048,
    'Please check if params is correctly in the configuration file.',
  ),
  /**
   * A RENAME looks like the end of a tool's online DDL, but only one of its two halves matches the rules. The
   * tool was told other table names, or somebody renames by hand.
   */
  configOnlineDdlMistakeRegex: config(
    20049,
    'Please update your `shadow-table-rules` or `trash-table-rules` in the configuration file.',
    'high',
  ),
  /** The target's session checks foreign keys, and the syncer merges changes. */
  configForeignKeysConflict: config(
    60011,
    'Please set `compact` and `multiple-rows` to false, or `foreign_key_checks` to 0.',
  ),
  /** `collation_compatible` is neither `loose` nor `strict`. */
  configCollationNotSupport: config(
    20052,
    'Please check the `collation_compatible` config in task configuration file, which can be set to `loose`/`strict`.',
  ),
  /** `import-mode` is not one of the modes. */
  configInvalidLoadMode: config(
    20053,
    'Please choose a valid value in [`logical`, `physical`] for `import-mode`.',
  ),
  /** `on-duplicate-logical` is not one of the ways. */
  configInvalidDuplicateResolution: config(
    20054,
    "Please choose a valid value in ['replace', 'error', 'ignore'] or leave it empty.",
  ),
  /** An instance refers to a configuration that `validators` does not hold. */
  configValidatorNotFound: taskKey(20056, 'validator-config-name'),
  /** `--start-time` is a time that has not come yet on the source. */
  configStartTimeTooLate: config(
    20057,
    'Please check the `--start-time` is expected (it is a time of the source, in its time zone) or try again later.',
  ),
  /** `safe-mode-duration` is not a duration such as 60s. */
  configInvalidSafeModeDuration: config(
    20060,
    'Please check the `safe-mode-duration` is correct, such as `60s`, `1h30m`.',
  ),
  /** `safe-mode: true` and `safe-mode-duration: 0s` cannot both be meant. */
  configSafeModeConflict: config(
    20061,
    'Please set `safe-mode` to false or `safe-mode-duration` to a non-zero value.',
  ),
  /** `column-mapping` is gone. Use `extract-table`, `extract-schema` and `extract-source` of `routes`. */
  configColumnMappingDeprecated: config(
    20064,
    'Please use extract-table/extract-schema/extract-source to handle data conflict when merge tables.',
  ),
  /** `secret-key-path` is not a file with 64 hexadecimal digits. */
  configSecretKeyPath: config(20067, 'Please check the `secret-key-path` config in configuration file.'),
} as const satisfies Record<string, ErrorCode>;
