/** Forgetting a person: how far it has come, and the receipt that stays. */
import Type from 'typebox';
import {
  booleanField,
  choiceField,
  integerField,
  type Message,
  nullable,
  request,
  textField,
  timeField,
} from './fields.ts';

/** In the order in which a request passes them. */
export const FORGET_STAGES = ['asked', 'logged', 'taken-back', 'deleted', 'done'] as const;
export type ForgetStage = (typeof FORGET_STAGES)[number];

const requestIdField = textField({
  description:
    'Names the request; its receipt is found by it, since nothing else leads to the person.',
  minLength: 1,
  examples: ['f-8k2m0q1x7c4d'],
});

export const ReceiptParams = request({ requestId: requestIdField });
export type ReceiptParams = Message<typeof ReceiptParams>;

export const ForgetReceipt = Type.Object(
  {
    requestId: requestIdField,
    stage: choiceField(FORGET_STAGES, {
      description:
        'How far it has come: on record, in the log, out of state and counts, out of the warehouse, key destroyed.',
      examples: ['done'],
    }),
    askedAt: timeField('When it was asked for.'),
    finishedAt: nullable(timeField('When nothing was left to do.')),
    problem: nullable(
      Type.String({ description: 'What holds it up; it is tried again until it is done.' }),
    ),
    events: integerField({
      description: 'Events that the person ever sent and that counted.',
      minimum: 0,
    }),
    takenBack: integerField({
      description: 'Of those, the ones whose share of all counts was taken back.',
      minimum: 0,
    }),
    exact: booleanField(
      'Whether all counts are now what they would be had the person never been here.',
    ),
    residue: Type.Array(Type.String(), {
      description: 'What stays as anonymous counts that decay, and why; empty where `exact`.',
    }),
    warehouseRows: nullable(
      integerField({
        description: 'Rows deleted from the warehouse; null without one.',
        minimum: 0,
      }),
    ),
    unsealedLog: booleanField(
      'Whether the log still holds records that an older version wrote unsealed: those of the person among them can be read until retention removes them.',
    ),
  },
  { description: 'What was forgotten, and what was not. It names nobody.' },
);
export type ForgetReceipt = Message<typeof ForgetReceipt>;
