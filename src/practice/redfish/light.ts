import type { JsonObject } from '../../core/json.ts';
import type { RedfishFaults } from './options.ts';
import { type Reply, refusal } from './reply.ts';

/** The locator light, wherever this service tells of it. */
export interface Light {
  state(): 'on' | 'off';
  /** Its properties in a resource of this kind. */
  told(where: 'system' | 'chassis'): JsonObject;
  /** Changes it; a reply is a refusal. */
  patch(changes: JsonObject, where: 'system' | 'chassis'): Reply | undefined;
  /** Somebody else changes the resource that it stands in, if the faults say so. */
  readonly meanwhile: () => void;
}

export function locatorLight(faults: RedfishFaults): Light {
  let on = false;
  let revision = 0;
  const named = (where: 'system' | 'chassis') => {
    const { light = 'system' } = faults;
    if (light === 'led' && where === 'system') return 'IndicatorLED';
    return light === where ? 'LocationIndicatorActive' : undefined;
  };
  return {
    state: () => (on ? 'on' : 'off'),
    told(where) {
      const other = { Oem: { Practice: { Revision: revision } } };
      switch (named(where)) {
        case 'LocationIndicatorActive':
          return { ...other, LocationIndicatorActive: on };
        case 'IndicatorLED':
          return {
            ...other,
            IndicatorLED: on ? 'Lit' : 'Off',
            'IndicatorLED@Redfish.AllowableValues': ['Lit', 'Off'],
          };
        case undefined:
          return other;
      }
    },
    patch(changes, where) {
      const name = named(where);
      const stranger = Object.keys(changes).find((key) => key !== name);
      if (stranger !== undefined || name === undefined) {
        const what = `The property ${stranger ?? ''} is read-only and cannot be assigned.`;
        return refusal(400, 'PropertyNotWritable', what, { args: [stranger ?? ''] });
      }
      const value = changes[name];
      const places: readonly unknown[] = name === 'IndicatorLED' ? ['Lit', 'Off'] : [true, false];
      const at = places.indexOf(value);
      if (at === -1) {
        const what = `The value ${String(value)} for the property ${name} is not in the list of acceptable values.`;
        return refusal(400, 'PropertyValueNotInList', what, { args: [String(value), name] });
      }
      on = at === 0;
      return undefined;
    },
    meanwhile() {
      if ((faults.changedMeanwhile ?? 0) === 0) return;
      faults.changedMeanwhile = (faults.changedMeanwhile ?? 0) - 1;
      revision++;
    },
  };
}
