/** The whole main job: who it is, an act that may happen once, stop, two copies, their proofs, a question, off, retired. */
export const mainJob =
  (from: readonly string[]) =>
  (vault: string): string =>
    `decom: 1
name: retire
title: Retire the practice machine
not_kept:
  - { path: /, why: the system is installed anew, by: the test }
phases:
  - phase: before
    title: Make sure of the machine
    steps:
      - id: identity
        uses: identity.check
      - id: mark
        title: Leave a mark, once
        uses: command.run
        with:
          shell: 'sleep 1; echo mark >> /var/lib/decom-mark; logger -t decom-mark made'
          probe: { argv: [test, -s, /var/lib/decom-mark], within: 30s }
          root: true
  - phase: shutdown
    title: Stop, copy, prove
    steps:
      - id: unused
        uses: use.check
        with: { watch: 2s, allow: [{ peer: 10.0.2.2, why: the tests look in from there }] }
      - id: stop
        uses: service.stop
        with: { units: [app.service, nginx.service] }
        needs: [identity]
      - id: archive
        uses: backup.archive
        with: { from: ${JSON.stringify(from)}, to: ${JSON.stringify(vault)} }
        needs: [stop]
      - id: archive-proof
        uses: restore.verify
        with: { backup: "\${{ steps.archive.backup }}" }
      - id: mirror
        uses: backup.rsync
        with: { from: ${JSON.stringify(from)}, to: ${JSON.stringify(vault)} }
        needs: [stop]
      - id: mirror-proof
        uses: restore.verify
        with: { backup: "\${{ steps.mirror.backup }}" }
  - phase: off
    title: Switch off
    steps:
      - id: agreed
        uses: confirm
        with: { question: May it be switched off? }
      - id: off
        uses: power.off
        with: { grace: 5m }
        needs: [archive-proof, mirror-proof, agreed]
      - id: retired
        uses: inventory.retire
        needs: ["off"]
`;

export const answers = 'answers:\n  agreed: { confirm: true, note: by the test }\n';
