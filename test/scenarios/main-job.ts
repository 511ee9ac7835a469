/** The main job as a runbook: what every scenario drives. */
export const mainJob = `decom: 1
name: main-job
title: Retire a web server
params:
  vault: { type: string, required: true, description: where copies go }
not_kept: [{ path: /, why: the system is installed anew, by: ada }]
phases:
  - phase: before
    title: Before
    steps:
      - id: identity
        uses: identity.check
      - id: told
        uses: checklist
        with:
          items:
            - { id: users, text: The users were told }
            - { id: owner, text: The owner agreed }
      - id: note
        uses: command.run
        with:
          argv: [append, /marker]
          probe: { argv: [test, -e, /marker] }
  - phase: shutdown
    title: Stop, copy, prove, switch off
    steps:
      - id: unused
        uses: use.check
      - id: services
        uses: service.stop
        with: { units: [nginx.service, app.service] }
      - id: archive
        uses: backup.archive
        with: { from: [/srv, /etc], to: "\${{ params.vault }}" }
      - id: mirror
        uses: backup.rsync
        with: { from: [/srv, /etc], to: "\${{ params.vault }}" }
      - id: proof
        uses: restore.verify
        with: { backup: "\${{ steps.archive.backup }}" }
        needs: [archive]
      - id: "off"
        uses: power.off
        needs: [proof]
        when: facts.power == 'on'
      - id: retire
        uses: inventory.retire
`;
