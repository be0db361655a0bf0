/** What Prometheus is told of a master. */
import { Gauge, Registry } from 'prom-client';

export function masterMetrics(name: string, leading: boolean): Registry {
  const registry = new Registry();
  const labelNames = ['master'];
  const help = '1 where this master leads the cluster';
  new Gauge({ name: 'sluice_master_leading', help, labelNames, registers: [registry] }).set(
    { master: name },
    leading ? 1 : 0,
  );
  return registry;
}
