# A shell with everything in it: `source env.sh` (bash, from any folder). Sets up what is missing first.
# Gives the environment, the ROS 2 interfaces and the command `fastreasonseg`.
if [ -z "${BASH_VERSION:-}" ]; then
  echo "env.sh: needs bash" >&2
  return 1
fi
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  echo "env.sh: use it as:  source ${BASH_SOURCE[0]}" >&2
  exit 1
fi

_frs_root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if make --no-print-directory -C "$_frs_root" setup; then
  if [ -n "${ROS_DISTRO:-}" ]; then
    echo "env.sh: leaving the sourced ROS 2 $ROS_DISTRO; this shell uses the wheels in .venv" >&2
    unset PYTHONPATH LD_LIBRARY_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH ROS_DISTRO
  fi
  source "$_frs_root/.venv/bin/activate"
  export AMENT_PREFIX_PATH="$_frs_root/.venv"
  # What the wheels' start-up hook would set by starting Python twice.
  for _frs_dir in "$_frs_root"/.venv/lib "$_frs_root"/.venv/lib/python3*/site-packages/ros_*.libs; do
    case ":${LD_LIBRARY_PATH:-}:" in
      *":$_frs_dir:"*) ;;
      *) export LD_LIBRARY_PATH="$_frs_dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
    esac
  done
  export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
  unset _frs_root _frs_dir
else
  echo "env.sh: the set-up failed, see above" >&2
  unset _frs_root
  return 1
fi
