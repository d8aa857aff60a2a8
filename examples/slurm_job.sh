#!/usr/bin/env bash
# Trains on a Slurm cluster until the run is finished, whatever the time limit:
#   sbatch examples/slurm_job.sh train.h5 experiments/first [flags of train]
# Two minutes before the limit Slurm sends SIGUSR1; the run saves its state after the current step and ends, and the job is
# requeued and resumes exactly. Expected: one line per epoch in experiments/first/training.log; a job that is finished ends with 0.
#SBATCH --job-name=glints
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=glints-%j.log
set -uo pipefail

if [ $# -lt 2 ]; then
  echo "usage: sbatch examples/slurm_job.sh DATA.h5 RUN_DIRECTORY [flags of train]" >&2
  exit 2
fi
data=$1 run=$2
shift 2

# Slurm sends the signal to the steps of the job, which exec makes this process' child: the training itself.
if [ -e "$run/latest_checkpoint.pth" ]; then
  resume=(--resume "$run")
else
  resume=()
fi
${SLURM_JOB_ID:+srun} glint-unet train --h5 "$data" --output_dir "$run" "${resume[@]}" "$@"
status=$?

# 138 = 128 + SIGUSR1: stopped by the time limit, with a checkpoint
if [ "$status" -eq 138 ] && [ -n "${SLURM_JOB_ID:-}" ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
