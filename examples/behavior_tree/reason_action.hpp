// Example: the action `reason` as a node of BehaviorTree.CPP 4. NOT COMPILED in this repository: neither rclcpp nor
// BehaviorTree.CPP is among the wheels that it is tested with. Copy it into a package of yours that depends on
// fastreasonseg_ros and on behaviortree_ros2 (class Reason) or nav2_behavior_tree (class ReasonInNav2).
// Ports: docs/planners.md, "Behaviour trees". SUCCESS: status OK. FAILURE: any other; the outputs say which, also NO_MATCH.
//
//   Reason:        BT::RosNodeParams params; params.nh = node; params.default_port_value = "/reasonseg/reason";
//                  factory.registerNodeType<fastreasonseg::Reason>("Reason", params);
//   ReasonInNav2:  factory.registerBuilder<fastreasonseg::ReasonInNav2>("Reason", builder), as Nav2's own plugins do;
//                  its port for the action's name is server_name.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "behaviortree_cpp/action_node.h"
#include "fastreasonseg_ros/action/reason_segment.hpp"
#include "fastreasonseg_ros/msg/answer.hpp"
#include "geometry_msgs/msg/pose_stamped.hpp"

namespace fastreasonseg
{

using Action = fastreasonseg_ros::action::ReasonSegment;
using Answer = fastreasonseg_ros::msg::Answer;

inline BT::PortsList ports()
{
  return {
    BT::InputPort<std::string>("text", "the question or command, in plain English"),
    BT::InputPort<std::string>("query_id", "", "chosen by the asker; empty: the node chooses"),
    BT::OutputPort<Answer>("answer", "the whole answer"),
    BT::OutputPort<int>("status", "a constant of Answer.msg: 0 OK, 1 NO_MATCH, ..."),
    BT::OutputPort<std::string>("message", "what happened, and what to do about it"),
    BT::OutputPort<std::vector<uint32_t>>("ids", "of what was found, in the plan's order"),
    BT::OutputPort<std::string>("label", "of the first thing in view"),
    BT::OutputPort<geometry_msgs::msg::PoseStamped>("target", "its centre, oriented as the camera"),
    BT::OutputPort<std::string>("stage", "feedback: waiting, thinking, looking or done"),
    BT::OutputPort<std::string>("model_text", "feedback: what the model has written so far")};
}

// Whether there is a question to ask.
inline bool ask(BT::TreeNode & node, Action::Goal & goal)
{
  const auto text = node.getInput<std::string>("text");
  const auto query_id = node.getInput<std::string>("query_id");
  goal.text = text ? text.value() : "";
  goal.query_id = query_id ? query_id.value() : "";
  return !goal.text.empty();
}

inline void tell(BT::TreeNode & node, const Action::Feedback & feedback)
{
  node.setOutput("stage", feedback.stage);
  node.setOutput("model_text", feedback.text);
}

inline BT::NodeStatus take(BT::TreeNode & node, const Answer & answer)
{
  node.setOutput("answer", answer);
  node.setOutput("status", static_cast<int>(answer.status));
  node.setOutput("message", answer.message);
  node.setOutput("ids", std::vector<uint32_t>(answer.ids.begin(), answer.ids.end()));
  for (const bool only_visible : {true, false}) {
    for (const auto & thing : answer.instances) {
      if ((only_visible && !thing.visible) || std::isnan(thing.center.x)) {
        continue;
      }
      geometry_msgs::msg::PoseStamped target;
      target.header = answer.header;
      target.pose.position = thing.center;
      target.pose.orientation.w = 1.0;
      node.setOutput("label", thing.label);
      node.setOutput("target", target);
      return answer.status == Answer::OK ? BT::NodeStatus::SUCCESS : BT::NodeStatus::FAILURE;
    }
  }
  return answer.status == Answer::OK ? BT::NodeStatus::SUCCESS : BT::NodeStatus::FAILURE;
}

}  // namespace fastreasonseg

#if __has_include("behaviortree_ros2/bt_action_node.hpp")
#include "behaviortree_ros2/bt_action_node.hpp"

namespace fastreasonseg
{

// A halted node cancels its goal, which stops the model.
class Reason : public BT::RosActionNode<Action>
{
public:
  using BT::RosActionNode<Action>::RosActionNode;

  static BT::PortsList providedPorts() {return providedBasicPorts(ports());}

  bool setGoal(Goal & goal) override {return ask(*this, goal);}

  BT::NodeStatus onResultReceived(const WrappedResult & result) override {return take(*this, result.result->answer);}

  BT::NodeStatus onFeedback(const std::shared_ptr<const Feedback> feedback) override
  {
    tell(*this, *feedback);
    return BT::NodeStatus::RUNNING;
  }

  BT::NodeStatus onFailure(BT::ActionNodeErrorCode error) override
  {
    setOutput("message", std::string(BT::toStr(error)));
    return BT::NodeStatus::FAILURE;
  }
};

}  // namespace fastreasonseg
#endif

#if __has_include("nav2_behavior_tree/bt_action_node.hpp")
#include "nav2_behavior_tree/bt_action_node.hpp"

namespace fastreasonseg
{

class ReasonInNav2 : public nav2_behavior_tree::BtActionNode<Action>
{
public:
  using nav2_behavior_tree::BtActionNode<Action>::BtActionNode;

  static BT::PortsList providedPorts() {return providedBasicPorts(ports());}

  void on_tick() override {should_send_goal_ = ask(*this, goal_);}

  void on_wait_for_result(std::shared_ptr<const Action::Feedback> feedback) override
  {
    if (feedback) {
      tell(*this, *feedback);
    }
  }

  BT::NodeStatus on_success() override {return take(*this, result_.result->answer);}
};

}  // namespace fastreasonseg
#endif
